#include "review/refine.h"

#include "base/encoding.h"
#include "base/file.h"
#include "rolebridgectl/command.h"
#include "rolebridgectl/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    CHUNK = 1 << 20,
    DIFF_MAX = 64 * 1024 * 1024, /* twice the file, at most */
};

/* A file as it is, or unpacked. NULL after telling why not. */
static GBytes *
read_trail(const char *path)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_autofree guint8 *chunk = g_malloc(CHUNK);
    gzFile file = gzopen(path, "rbe");
    int n, failed = 0;

    while (file != NULL && (n = gzread(file, chunk, CHUNK)) > 0 && out->len <= RB_TRAIL_MAX_FILE)
        g_byte_array_append(out, chunk, (guint)n);
    if (file != NULL)
        (void)gzerror(file, &failed);
    if (file == NULL || failed != Z_OK || gzclose(file) != Z_OK || out->len > RB_TRAIL_MAX_FILE) {
        g_printerr("rolebridgectl refine: %s: %s\n", path,
                   out->len > RB_TRAIL_MAX_FILE ? "too large; name smaller files" : "cannot be read");
        return NULL;
    }
    return g_byte_array_free_to_bytes(g_steal_pointer(&out));
}

typedef gboolean (*ReadTrail)(RbTrail *trail, const char *file, GBytes *bytes, RbDiagnostics *problems);

static gboolean
read_trails(RbTrail *trail, char **files, ReadTrail read)
{
    for (guint i = 0; files != NULL && files[i] != NULL; i++) {
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(GBytes) bytes = read_trail(files[i]);
        if (bytes == NULL)
            return FALSE;
        if (!read(trail, files[i], bytes, problems)) {
            rb_command_tell(problems);
            return FALSE;
        }
    }
    return TRUE;
}

static const char *const kinds[] = { "unused", "wide", "unseen", "part", "missing" };

static char *
joined(const GPtrArray *texts)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < texts->len; i++)
        g_string_append_printf(out, "%s%s", i == 0 ? "" : ", ", (char *)texts->pdata[i]);
    return g_string_free(out, FALSE);
}

static void
print_one(const RbRefinement *r)
{
    g_autofree char *used = NULL;

    switch (r->kind) {
    case RB_REFINE_UNUSED:
        g_print("%s:%u:%u: never used: %s\n", r->place.file, r->place.line, r->place.column, r->pattern);
        break;
    case RB_REFINE_UNSEEN:
        g_print("%s:%u:%u: not known: %s; the trail has no data events\n", r->place.file, r->place.line,
                r->place.column, r->pattern);
        break;
    case RB_REFINE_WIDE:
        g_print("%s:%u:%u: %s: %u of %u actions used\n", r->place.file, r->place.line, r->place.column,
                r->pattern, r->used->len, r->n_matched);
        break;
    case RB_REFINE_PART:
        used = joined(r->used);
        g_print("%s: members of %s use %s alone, of %u task policies: a role of their own would do\n",
                r->place.file, r->pattern, used, r->n_matched);
        break;
    case RB_REFINE_MISSING:
        g_print("%s: missing: %s was refused %s, %u %s%s%s\n", r->place.file, r->role->name, r->pattern,
                r->times, r->times == 1 ? "time" : "times", r->resources->len > 0 ? ", on " : "",
                r->resources->len > 0 ? (char *)r->resources->pdata[0] : "");
        break;
    }
}

static void
print_json(const RbTrailFacts *facts, const GPtrArray *refinements)
{
    json_t *list = json_array(), *out;
    g_autofree char *text = NULL;

    for (guint i = 0; i < refinements->len; i++) {
        const RbRefinement *r = refinements->pdata[i];
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:s?, s:i, s:o, s:o}", "kind", kinds[r->kind],
                            "policy", r->policy->name, "pattern", r->pattern, "file", r->place.file, "line",
                            (int)r->place.line, "column", (int)r->place.column, "role",
                            r->role == NULL ? NULL : r->role->name, "times", (int)r->times, "used",
                            rb_command_texts(r->used), "resources", rb_command_texts(r->resources)));
    }
    out = json_pack("{s:i, s:i, s:i, s:b, s:s?, s:s?, s:o}", "records", (int)facts->records, "of_roles",
                    (int)facts->of_roles, "unknown", (int)facts->unknown, "data_events",
                    (int)facts->data_events, "from", facts->from, "until", facts->until, "refinements", list);
    text = rb_command_print(out);
    g_print("%s", text);
}

/* `diff -u` of the file and what it would be: the program that everybody reads the output of. */
static gboolean
print_diff(const char *directory, const GPtrArray *refinements, const RbTaskPolicy *policy)
{
    g_autofree char *path = g_build_filename(directory, policy->place.file, NULL), *text = NULL,
                    *edited = NULL;
    g_autofree char *label = g_strconcat("a/", policy->place.file, NULL);
    g_autofree char *new_label = g_strconcat("b/", policy->place.file, NULL);
    const char *const argv[] = { "diff", "-u", "--label", label, "--label", new_label, path, "-", NULL };
    g_autoptr(GString) input = NULL;
    g_autoptr(GBytes) diff = NULL;
    g_autoptr(GError) error = NULL;

    if (g_file_get_contents(path, &text, NULL, &error)) {
        edited = rb_refine_edit(refinements, policy, text);
        if (g_str_equal(edited, text))
            return TRUE;
        input = g_string_new(edited);
        diff = rb_program_run(argv, NULL, input, DIFF_MAX, 1, &error);
    }
    if (diff != NULL)
        g_print("\n%.*s", (int)g_bytes_get_size(diff), (const char *)g_bytes_get_data(diff, NULL));
    else
        g_printerr("rolebridgectl refine: %s\n", error->message);
    return diff != NULL;
}

static gboolean
print_text(const char *directory, const RbTrailFacts *facts, const GPtrArray *refinements)
{
    const RbTaskPolicy *last = NULL;
    g_autoptr(GPtrArray) policies = g_ptr_array_new();

    g_print("%u records, %u of roles", facts->records, facts->of_roles);
    if (facts->from != NULL)
        g_print(", from %s until %s", facts->from, facts->until);
    g_print("%s\n", facts->data_events ? "" : "; no data events");
    if (facts->unknown > 0)
        g_print("%u records are of actions that AWS's catalogue does not have: not judged\n", facts->unknown);
    for (guint i = 0; i < refinements->len; i++) {
        const RbRefinement *r = refinements->pdata[i];
        print_one(r);
        if (r->policy != last && !g_ptr_array_find(policies, r->policy, NULL))
            g_ptr_array_add(policies, (gpointer)r->policy);
        last = r->policy;
    }
    if (refinements->len == 0)
        g_print("every permission was used, and none was missed\n");
    for (guint i = 0; i < policies->len; i++)
        if (!print_diff(directory, refinements, policies->pdata[i]))
            return FALSE;
    return TRUE;
}

static int
run(int argc, char **argv)
{
    g_autofree char *asked = NULL, *directory = NULL;
    g_auto(GStrv) files = NULL, audits = NULL;
    gboolean json = FALSE;
    const GOptionEntry options[] = {
        { "mappings", 'm', 0, G_OPTION_ARG_FILENAME, &asked,
          "default: ./mappings, then /etc/rolebridge/mappings", "DIR" },
        { "cloudtrail", 'c', 0, G_OPTION_ARG_FILENAME_ARRAY, &files,
          "CloudTrail's records, as it writes them to S3 (also .gz), or one a line; again for more", "FILE" },
        { "audit", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &audits,
          "an export of rolebridge's audit log: tells which group uses a part of a role alone", "FILE" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print one JSON object", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = rb_command_context(
        NULL,
        "Holds what task policies allow against what roles did, by CloudTrail: permissions never used, "
        "wildcards of which "
        "little was used, permissions that AWS refused and a role missed; and proposes the edit as a diff. "
        "Changes nothing.",
        "Examples:\n  rolebridgectl refine --cloudtrail 2026-11.json.gz\n  rolebridgectl refine -c a.json -c "
        "b.json > "
        "refine.diff && git apply --directory=mappings refine.diff\n\n"
        "Exit codes: 0 done, 1 the mapping has errors, 2 usage, 4 a file cannot be read.\n");
    g_autoptr(RbSnapshot) snapshot = NULL;
    g_autoptr(RbTrail) trail = rb_trail_new();
    g_autoptr(GPtrArray) refinements = NULL;
    RbTrailFacts facts;

    g_option_context_add_main_entries(context, options, NULL);
    if (!rb_command_parse(context, argc, argv))
        return RB_EXIT_USAGE;
    if (files == NULL) {
        g_printerr("rolebridgectl refine: name the records: --cloudtrail FILE\n");
        return RB_EXIT_USAGE;
    }
    directory = rb_command_mappings(asked);
    if (directory == NULL || !read_trails(trail, files, rb_trail_read) ||
        !read_trails(trail, audits, rb_trail_read_audit))
        return RB_EXIT_FAULT;
    snapshot = rb_command_load("refine", directory, "nothing can be held against it");
    if (snapshot == NULL)
        return RB_EXIT_NO;
    refinements = rb_refine(trail, snapshot);
    facts = rb_trail_facts(trail);
    if (json)
        print_json(&facts, refinements);
    return json || print_text(directory, &facts, refinements) ? RB_EXIT_OK : RB_EXIT_FAULT;
}

const RbCommand rb_command_refine = { "refine", "what roles used and missed, by CloudTrail", run };
