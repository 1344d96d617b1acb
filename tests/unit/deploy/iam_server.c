/* The fake IAM as a program, for tests of rolebridgectl: prints where it is; on stdin, a line each:
 * "fail N" (the N-th call from then on is refused) and "state"; ends with it. */
#include "fake_iam.h"

#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
    FakeIam *fake = fake_iam_new(argc > 1 ? argv[1] : "000000000000");
    char line[100];

    printf("%s\n", fake_iam_url(fake));
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (g_str_has_prefix(line, "fail "))
            fake_iam_fail(fake, (guint)g_ascii_strtoull(line + strlen("fail "), NULL, 10), FAKE_DENIES);
        if (g_str_equal(line, "state\n")) {
            g_autofree char *state = fake_iam_state(fake);
            printf("%s\n", state);
        }
        printf(".\n");
        (void)fflush(stdout);
    }
    fake_iam_free(fake);
    fake_iam_end();
    return 0;
}
