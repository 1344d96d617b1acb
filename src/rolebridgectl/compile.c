#include "compile/format.h"

#include "base/encoding.h"
#include "rolebridgectl/command.h"

#include <errno.h>

/* `rolebridgectl compile`: mappings/ → what must stand in each account, in a form that others put there. */

typedef struct {
    char *mappings, *format, *output;
    char **accounts;
} Asked;

static void
asked_clear(Asked *asked)
{
    g_free(asked->mappings);
    g_free(asked->format);
    g_free(asked->output);
    g_strfreev(asked->accounts);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Asked, asked_clear)

/* An account in a form; NULL after telling why it has none. */
typedef json_t *(*Make)(const RbCompiledAccount *account);

typedef struct {
    const char *name;
    Make make;
    const char *file; /* of an account, below --output */
} Format;

static json_t *
make_cloudformation(const RbCompiledAccount *account)
{
    guint n;
    json_t *out = rb_compiled_to_cloudformation(account, &n);

    if (n <= RB_CLOUDFORMATION_RESOURCES)
        return out;
    json_decref(out);
    g_printerr(
        "rolebridgectl compile: '%s' would be a template of %u resources, and CloudFormation takes %d: use "
        "terraform, or plan and apply\n",
        account->account->name, n, RB_CLOUDFORMATION_RESOURCES);
    return NULL;
}

static const Format formats[] = {
    { "json", rb_compiled_account_to_json, "%s.json" },
    { "cloudformation", make_cloudformation, "%s.template.json" },
    { "terraform", rb_compiled_to_terraform, "%s/main.tf.json" },
};

static const Format *
find_format(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++)
        if (g_str_equal(formats[i].name, name))
            return &formats[i];
    return NULL;
}

static GOptionContext *
make_context(Asked *a)
{
    const GOptionEntry options[] = {
        { "mappings", 'm', 0, G_OPTION_ARG_FILENAME, &a->mappings,
          "default: ./mappings, then /etc/rolebridge/mappings", "DIR" },
        { "account", 'A', 0, G_OPTION_ARG_STRING_ARRAY, &a->accounts, "name or id; may be given again",
          "ACCOUNT" },
        { "format", 'f', 0, G_OPTION_ARG_STRING, &a->format, "json (default), cloudformation or terraform",
          "FORMAT" },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &a->output,
          "a file for each account there; default: - (stdout)", "DIR" },
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = rb_command_context(
        NULL, "Tells what must stand in the IAM of each account: policies, roles, trust, providers.",
        "Examples:\n"
        "  rolebridgectl compile | jq '.accounts[].roles[].name'\n"
        "  rolebridgectl compile --account development --format cloudformation >development.template.json\n"
        "  rolebridgectl compile --format terraform --output build/    (build/ACCOUNT/main.tf.json)\n\n"
        "The same mapping gives the same bytes. cloudformation and terraform are one account each: with more "
        "of\n"
        "them, say --output.\n\n"
        "Exit codes: 0 done; 1 it cannot be compiled, and why; 2 usage; 4 the mapping could not be read, or "
        "the\n"
        "output not be written.\n");

    g_option_context_add_main_entries(context, options, NULL);
    return context;
}

static gboolean
write_file(const char *directory, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(directory, name, NULL), *parent = g_path_get_dirname(path);
    g_autoptr(GError) error = NULL;

    if (g_mkdir_with_parents(parent, 0777) != 0) {
        g_printerr("rolebridgectl compile: %s cannot be made: %s\n", parent, g_strerror(errno));
        return FALSE;
    }
    if (g_file_set_contents(path, text, -1, &error))
        return TRUE;
    g_printerr("rolebridgectl compile: %s\n", error->message);
    return FALSE;
}

static int
write_all(const Format *format, const RbCompiledAccount *accounts, guint n, const char *directory)
{
    for (guint i = 0; i < n; i++) {
        json_t *json = format->make(&accounts[i]);
        g_autofree char *text = json == NULL ? NULL : rb_command_print(json), *name = NULL;
        g_auto(GStrv) parts = g_strsplit(format->file, "%s", 2);

        if (text == NULL)
            return RB_EXIT_NO;
        name = g_strjoinv(accounts[i].account->name, parts);
        if (!write_file(directory, name, text))
            return RB_EXIT_FAULT;
        g_print("%s/%s: %u policies, %u roles\n", directory, name, accounts[i].n_policies,
                accounts[i].n_roles);
    }
    return RB_EXIT_OK;
}

static int
give(const Asked *a, const Format *format, const RbCompiled *compiled)
{
    guint n;
    const RbCompiledAccount *accounts = rb_compiled_accounts(compiled, &n);
    json_t *json;
    g_autofree char *text = NULL;

    if (a->output != NULL && !g_str_equal(a->output, "-"))
        return write_all(format, accounts, n, a->output);
    if (format == &formats[0]) {
        text = rb_command_print(rb_compiled_to_json(compiled));
    } else if (n != 1) {
        g_printerr("rolebridgectl compile: %s is one account a file, and these are %u: name one with "
                   "--account, or a "
                   "directory with --output\n",
                   format->name, n);
        return RB_EXIT_USAGE;
    } else {
        json = format->make(accounts);
        if (json == NULL)
            return RB_EXIT_NO;
        text = rb_command_print(json);
    }
    g_print("%s", text);
    return RB_EXIT_OK;
}

static int
run(int argc, char **argv)
{
    g_auto(Asked) asked = { 0 };
    g_autoptr(GOptionContext) context = make_context(&asked);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbSnapshot) snapshot = NULL;
    g_autoptr(RbCompiled) compiled = NULL;
    const Format *format = &formats[0];

    if (!rb_command_parse(context, argc, argv))
        return RB_EXIT_USAGE;
    if (asked.format != NULL)
        format = find_format(asked.format);
    if (format == NULL) {
        g_autofree char *quoted = rb_text_quote(asked.format);
        g_printerr("rolebridgectl compile: no format %s: json, cloudformation or terraform\n", quoted);
        return RB_EXIT_USAGE;
    }
    snapshot = rb_command_load("compile", asked.mappings, "nothing is compiled of it");
    if (snapshot == NULL)
        return RB_EXIT_FAULT;
    compiled = rb_compile(snapshot, (const char *const *)asked.accounts, problems);
    rb_command_tell(problems);
    return compiled == NULL ? RB_EXIT_NO : give(&asked, format, compiled);
}

const RbCommand rb_command_compile = { "compile", "tells what must stand in the accounts' IAM", run };
