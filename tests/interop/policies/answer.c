/* Reads cases, one a line, and prints "ID<tab>ANSWER" for each. */
#include "policy_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
main(void)
{
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        g_autoptr(RbPolicyCase) pair = policy_case_read(line);

        printf("%s\t%s\n", policy_case_id(pair), policy_case_answer(pair));
    }
    free(line);
    return ferror(stdin) || fflush(stdout) != 0;
}
