#include "base/encoding.h"
#include "rolebridge/role.h"

#include <stdio.h>
#include <string.h>

static int run(RbCli *cli, int argc, char **argv);

const RbCommand rb_command_roles = {
    .name = "roles",
    .arguments = "",
    .summary = "List the roles you may take, and with --why the reasons",
    .details =
        "Examples:\n"
        "  rolebridge roles\n"
        "  rolebridge roles --why           # which group, which line; and what stands against the others\n"
        "  rolebridge roles --json | jq -r '.grants[] | .account_name + \".\" + .role'",
    .run = run,
};

enum { CELL_MAX = 60 }; /* columns; what is longer pushes the rest of its own row */

static gsize
cell_width(const char *text)
{
    g_autofree char *shown = rb_text_printable(text, 300);

    return MIN(rb_cli_width(shown), CELL_MAX);
}

/* A cell of printable text, padded to @width columns. */
static void
print_cell(const char *text, gsize width)
{
    g_autofree char *shown = rb_text_printable(text, 300);
    gsize used = rb_cli_width(shown);

    printf("%s%*s", shown, (int)(used < width ? width - used : 0) + 2, "");
}

static char *
duration(gint64 s)
{
    return s % 3600 == 0 ? g_strdup_printf("%" G_GINT64_FORMAT "h", s / 3600)
                         : g_strdup_printf("%" G_GINT64_FORMAT "m", s / 60);
}

/* The group, or what a sign-in without groups stated. */
static void
print_source(const json_t *reason)
{
    const char *group = json_string_value(json_object_get(reason, "group")), *attribute;
    json_t *claims = json_object_get(reason, "claims"), *value;
    gboolean first = TRUE;

    if (group != NULL || json_object_size(claims) == 0) {
        fputs("group ", stdout);
        rb_cli_print(group != NULL ? group : "?");
        return;
    }
    json_object_foreach(claims, attribute, value)
    {
        fputs(first ? "" : ", ", stdout);
        rb_cli_print(attribute);
        putchar(' ');
        rb_cli_print(json_string_value(value) != NULL ? json_string_value(value) : "?");
        first = FALSE;
    }
}

static void
print_reasons(const json_t *reasons)
{
    const json_t *reason;
    size_t i, j;

    json_array_foreach(reasons, i, reason)
    {
        const json_t *condition;
        const char *line = json_string_value(json_object_get(reason, "assignment"));
        fputs("      because ", stdout);
        print_source(reason);
        fputs(" by ", stdout);
        rb_cli_print(line != NULL ? line : "?");
        json_array_foreach(json_object_get(reason, "conditions"), j, condition)
        {
            fputs(", ", stdout);
            rb_cli_print(json_string_value(condition) != NULL ? json_string_value(condition) : "?");
        }
        putchar('\n');
    }
}

static void
print_near_miss(const json_t *miss)
{
    static const char *const members[] = { "detail", "assignment", "owner" };
    static const char *const labels[] = { "", "by ", "ask " };
    const char *account = json_string_value(json_object_get(miss, "account_name"));
    const char *role = json_string_value(json_object_get(miss, "role"));
    const char *code = json_string_value(json_object_get(miss, "code"));
    const RbOutcome *outcome = code != NULL ? rb_outcome_by_id(code) : NULL;

    fputs("  ", stdout);
    rb_cli_print(account != NULL ? account : "?");
    putchar('.');
    rb_cli_print(role != NULL ? role : "?");
    fputs(": ", stdout);
    rb_cli_print(outcome != NULL ? outcome->what : code != NULL ? code : "?");
    putchar('\n');
    for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
        const char *text = json_string_value(json_object_get(miss, members[i]));
        if (text == NULL || *text == '\0')
            continue;
        printf("      %s", labels[i]);
        rb_cli_print(text);
        putchar('\n');
    }
}

static void
print_table(const RbCli *cli, const RbRoles *roles, gboolean why)
{
    gsize account_width = strlen("ACCOUNT"), role_width = strlen("ROLE");
    json_t *refusals = json_object_get(roles->answer, "refusals"), *miss;
    size_t at;

    for (guint i = 0; i < roles->roles->len; i++) {
        const RbRole *r = g_ptr_array_index(roles->roles, i);
        account_width = MAX(account_width, cell_width(r->account_name));
        role_width = MAX(role_width, cell_width(r->role));
    }
    fputs(cli->colour ? "\033[1m" : "", stdout);
    print_cell("ACCOUNT", account_width);
    print_cell("ROLE", role_width);
    printf("%-8s%s%s\n", "UP TO", "FOR", cli->colour ? "\033[0m" : "");
    for (guint i = 0; i < roles->roles->len; i++) {
        const RbRole *r = g_ptr_array_index(roles->roles, i);
        g_autofree char *longest = duration(r->max_session_s);
        gboolean prod = cli->colour && g_str_equal(r->environment, "prod");
        fputs(prod ? "\033[31m" : "", stdout);
        print_cell(r->account_name, account_width);
        fputs(prod ? "\033[0m" : "", stdout);
        print_cell(r->role, role_width);
        printf("%-8s", longest);
        rb_cli_print(*r->purpose != '\0' ? r->purpose : r->title);
        putchar('\n');
        if (why)
            print_reasons(r->reasons);
    }
    if (roles->roles->len == 0)
        puts("No role is yours at the moment. 'rolebridge whoami' shows what your sign-in said about you.");
    if (why && json_array_size(refusals) > 0)
        puts("\nJust out of reach:");
    if (why)
        json_array_foreach(refusals, at, miss) print_near_miss(miss);
}

static int
run(RbCli *cli, int argc, char **argv)
{
    gboolean why = FALSE;
    GOptionEntry entries[] = {
        { "why", 0, 0, G_OPTION_ARG_NONE, &why, "Say why, and what stands against other roles", NULL },
        { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(RbRoles) roles = NULL;
    int status;

    if (!rb_cli_parse(cli, &rb_command_roles, entries, &argc, &argv, &status))
        return status;
    roles = rb_roles_fetch(cli, &error);
    if (roles == NULL)
        return rb_cli_report(cli, error);
    if (cli->json)
        rb_cli_print_json(roles->answer);
    else
        print_table(cli, roles, why);
    return RB_EXIT_OK;
}
