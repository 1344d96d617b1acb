/* Prints docs/lint.md from the rules, or with an argument checks that the file is the same. */
#include "lint/lint.h"

#include <string.h>

int
main(int argc, char **argv)
{
    g_autofree char *wanted = rb_lint_markdown(), *found = NULL;

    if (argc < 2) {
        g_print("%s", wanted);
        return 0;
    }
    if (!g_file_get_contents(argv[1], &found, NULL, NULL) || strcmp(found, wanted) != 0) {
        g_printerr("%s is not what the rules say; run scripts/docs\n", argv[1]);
        return 1;
    }
    return 0;
}
