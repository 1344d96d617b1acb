#include "lint/lint.h"
#include "rolebridgectl/check.h"

#include <string.h>

/* SARIF 2.1.0 (OASIS), as code review tools take it. */

#define ANALYZER                                                                                             \
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"

static const char *
level(RbSeverity severity)
{
    static const char *const levels[] = { "error", "warning", "warning", "note" };

    return levels[severity];
}

/* Findings without a name are mistakes of the mapping itself. */
static const char *
rule_id(const RbDiagnostic *d)
{
    return d->code != NULL ? d->code : "mapping";
}

static json_t *
rule_json(const RbDiagnostic *d)
{
    const char *id = rule_id(d);
    const RbLintRule *r = rb_lint_rule(id);
    json_t *out;

    if (r == NULL) {
        out = json_pack("{s:s, s:{s:s}}", "id", id, "shortDescription", "text",
                        d->code == NULL ? "a mistake in the mapping" : "a finding of IAM Access Analyzer's");
        if (d->code != NULL)
            (void)json_object_set_new(out, "helpUri", json_string(ANALYZER));
        return out;
    }
    return json_pack("{s:s, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}}", "id", id, "shortDescription", "text",
                     r->what, "fullDescription", "text", r->why, "help", "text", r->fix,
                     "defaultConfiguration", "level", level(r->severity));
}

/* The index of @d's rule in @rules, put there when it is not. */
static int
index_of(json_t *rules, const RbDiagnostic *d)
{
    size_t n = json_array_size(rules);

    for (size_t i = 0; i < n; i++)
        if (g_str_equal(json_string_value(json_object_get(json_array_get(rules, i), "id")), rule_id(d)))
            return (int)i;
    (void)json_array_append_new(rules, rule_json(d));
    return (int)n;
}

static json_t *
location_json(const char *directory, const RbDiagnostic *d)
{
    g_autofree char *path = g_path_is_absolute(d->file) || g_str_equal(directory, ".")
                                ? g_strdup(d->file)
                                : g_build_filename(directory, d->file, NULL);
    g_autofree char *uri = g_path_is_absolute(path) ? g_filename_to_uri(path, NULL, NULL)
                                                    : g_uri_escape_string(path, "/", FALSE);
    json_t *where = json_pack("{s:{s:s}}", "artifactLocation", "uri", uri);

    if (d->line > 0)
        (void)json_object_set_new(
            where, "region",
            json_pack("{s:i, s:i}", "startLine", (int)d->line, "startColumn", (int)MAX(d->column, 1)));
    return json_pack("{s:o}", "physicalLocation", where);
}

static json_t *
result_json(const char *directory, const RbDiagnostic *d, json_t *rules)
{
    g_autofree char *text =
        d->hint == NULL ? g_strdup(d->message) : g_strconcat(d->message, "; ", d->hint, NULL);

    return json_pack("{s:s, s:i, s:s, s:{s:s}, s:[o]}", "ruleId", rule_id(d), "ruleIndex", index_of(rules, d),
                     "level", level(d->severity), "message", "text", text, "locations",
                     location_json(directory, d));
}

json_t *
rb_ctl_sarif(const char *directory, RbDiagnostics *problems)
{
    json_t *rules = json_array(), *results = json_array();
    guint n = rb_diagnostics_size(problems);

    for (guint i = 0; i < n; i++)
        (void)json_array_append_new(results, result_json(directory, rb_diagnostics_get(problems, i), rules));
    return json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:s, s:o}]}", "$schema",
                     "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0", "runs", "tool",
                     "driver", "name", "rolebridgectl check", "version", RB_VERSION, "rules", rules,
                     "columnKind", "unicodeCodePoints", "results", results);
}
