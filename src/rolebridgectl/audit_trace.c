#include "rolebridgectl/audit.h"

#include "base/encoding.h"
#include "base/refusal.h"
#include "iam/access_key.h"

#include <string.h>

/* From an access key id, as CloudTrail shows it, back to a person: the lease, the decision behind it, the
 * sign-in behind that. */
typedef struct {
    json_t *lease, *decision, *sign_in;
    gboolean by_name; /* no sign-in of the lease's family is in the log: the person's newest before it */
} Trace;

static void
trace_clear(Trace *trace)
{
    json_decref(trace->lease);
    json_decref(trace->decision);
    json_decref(trace->sign_in);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Trace, trace_clear)

static const char *
member(const json_t *record, const char *key)
{
    return json_string_value(json_object_get(record, key));
}

/* Looking for the newest record before another, that has what the other has. */
typedef struct {
    gint64 before;
    const json_t *like;
    const char *const *members; /* must be equal, where `like` has them; NULL-terminated */
    gboolean at_provider;       /* a sign-in at the identity provider, not a client's by an earlier one */
    json_t *found;
} Search;

static gboolean
fits(const Search *search, const json_t *record)
{
    if (json_integer_value(json_object_get(record, "seq")) >= search->before ||
        (search->at_provider && member(record, "via") != NULL))
        return FALSE;
    for (guint i = 0; search->members[i] != NULL; i++) {
        const char *want = member(search->like, search->members[i]);
        if (want != NULL && g_strcmp0(member(record, search->members[i]), want) != 0)
            return FALSE;
    }
    return TRUE;
}

static gboolean
look(const RbAuditRow *row, gpointer data, GError **error)
{
    Search *search = data;
    json_t *record = json_loadb(row->text, row->size, JSON_ALLOW_NUL, NULL);

    if (record == NULL)
        return rb_refuse(error, RB_AUDIT_BROKEN, "record %" G_GINT64_FORMAT " is no JSON", row->seq);
    if (!fits(search, record)) {
        json_decref(record);
        return TRUE;
    }
    search->found = record;
    return FALSE;
}

/* FALSE: could not look. @found stays NULL when there is none. */
static gboolean
find(RbStore *store, RbAuditFilter filter, const json_t *like, const char *const *members,
     gboolean at_provider, json_t **found, GError **error)
{
    Search search = { .before = G_MAXINT64, .like = like, .members = members, .at_provider = at_provider };

    if (like != NULL)
        search.before = json_integer_value(json_object_get(like, "seq"));
    filter.newest = TRUE;
    if (!rb_audit_each(store, &filter, NULL, look, &search, error))
        return FALSE;
    *found = search.found;
    return TRUE;
}

static gboolean
find_all(RbStore *store, const char *key, Trace *trace, GError **error)
{
    static const char *const none[] = { NULL }, *const grant[] = { "name", "account", "role", NULL },
                             *const person[] = { "name", "provider", NULL };
    const RbAuditFilter lease = { .kind = "lease", .access_key_id = key };
    RbAuditFilter decision = { .kind = "decision" }, family = { .kind = "sign-in" },
                  name = { .kind = "sign-in" };

    if (!find(store, lease, NULL, none, FALSE, &trace->lease, error))
        return FALSE;
    if (trace->lease == NULL)
        return TRUE;
    decision.incident = member(trace->lease, "incident");
    if (decision.incident != NULL &&
        !find(store, decision, trace->lease, grant, FALSE, &trace->decision, error))
        return FALSE;
    family.family = member(trace->lease, "family");
    if (family.family != NULL && !find(store, family, trace->lease, person, TRUE, &trace->sign_in, error))
        return FALSE;
    if (trace->sign_in != NULL)
        return TRUE;
    trace->by_name = TRUE;
    name.name = member(trace->lease, "name");
    return name.name == NULL || find(store, name, trace->lease, person, TRUE, &trace->sign_in, error);
}

/* ---- telling ---- */

static void line(FILE *out, const char *label, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void
line(FILE *out, const char *label, const char *format, ...)
{
    va_list args;
    g_autofree char *text = NULL, *shown = NULL;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    shown = rb_text_printable(text, 2000);
    fprintf(out, "%-14s %s\n", label, shown);
}

static const char *
or_unknown(const char *text)
{
    return text != NULL ? text : "(not recorded)";
}

static char *
time_of(const json_t *record, const char *key)
{
    gint64 at = json_integer_value(json_object_get(record, key));

    return at > 0 ? rb_time_format(at) : g_strdup("(not recorded)");
}

/* The group, or what a sign-in without groups stated, and the assignment that named it. */
static void
tell_source(FILE *out, const json_t *from)
{
    const char *place = or_unknown(member(from, "assignment")), *attribute, *label = "why";
    json_t *claims = json_object_get(from, "claims"), *value;

    if (json_object_size(claims) == 0) {
        line(out, label, "group '%s' by %s", or_unknown(member(from, "group")), place);
        return;
    }
    json_object_foreach(claims, attribute, value)
    {
        line(out, label, "%s '%s' by %s", attribute, or_unknown(json_string_value(value)), place);
        label = "";
    }
}

static void
tell_why(FILE *out, const Trace *trace)
{
    const json_t *from = trace->decision != NULL ? trace->decision : trace->lease;
    const json_t *conditions = json_object_get(from, "conditions"), *condition;
    gsize i;

    tell_source(out, from);
    json_array_foreach(conditions, i, condition)
        line(out, "", "and %s", or_unknown(json_string_value(condition)));
    line(out, "mapping", "%s", or_unknown(member(from, "mapping")));
}

static void
tell_sign_in(FILE *out, const Trace *trace)
{
    const json_t *sign_in = trace->sign_in;

    if (sign_in == NULL) {
        line(out, "signed in", "(no sign-in of this person is in the log before the lease)");
        return;
    }
    line(out, "signed in", "%s at %s, %s, from %s; incident %s", or_unknown(member(sign_in, "time")),
         or_unknown(member(sign_in, "provider")),
         json_is_true(json_object_get(sign_in, "mfa")) ? "second factor shown"
                                                       : "no proof of a second factor",
         or_unknown(member(sign_in, "source_ip")), or_unknown(member(sign_in, "incident")));
    if (trace->by_name)
        line(out, "", "the newest of this name before the lease; the lease does not say which it came from");
}

static void
tell(const RbAuditConsole *console, const char *key, const char *account, const Trace *trace)
{
    const json_t *lease = trace->lease;
    g_autofree char *until = time_of(lease, "expires_at");
    FILE *out = console->out;

    line(out, "access key", "%s", key);
    line(out, "who", "%s, vouched for by %s (subject '%s')", or_unknown(member(lease, "name")),
         or_unknown(member(lease, "provider")), or_unknown(member(lease, "subject")));
    line(out, "role", "%s in %s (%s)", or_unknown(member(lease, "role")),
         or_unknown(member(lease, "account")), or_unknown(member(lease, "account_name")));
    line(out, "issued", "%s, valid until %s%s", or_unknown(member(lease, "time")), until,
         json_integer_value(json_object_get(lease, "expires_at")) > rb_clock_now(&console->clock)
             ? ""
             : ": expired");
    tell_why(out, trace);
    tell_sign_in(out, trace);
    line(out, "asked from", "%s, %s", or_unknown(member(lease, "source_ip")),
         or_unknown(member(lease, "user_agent")));
    line(out, "in AWS", "%s, source identity '%s', request %s",
         or_unknown(member(lease, "assumed_role_arn") != NULL ? member(lease, "assumed_role_arn")
                                                              : member(lease, "assumed_role_id")),
         or_unknown(member(lease, "source_identity")), or_unknown(member(lease, "request_id")));
    line(out, "incident", "%s", or_unknown(member(lease, "incident")));
    if (account != NULL && member(lease, "account") != NULL &&
        !g_str_equal(account, member(lease, "account")))
        line(out, "but", "the key itself says account %s: have somebody look at this record", account);
}

static gboolean
print_json(const RbAuditConsole *console, const char *key, const char *account, const Trace *trace,
           GError **error)
{
    json_t *all = json_pack("{s:s, s:s?, s:O?, s:O?, s:O?}", "access_key_id", key, "key_account", account,
                            "lease", trace->lease, "decision", trace->decision, "sign_in", trace->sign_in);
    gboolean written;

    if (trace->sign_in != NULL)
        json_object_set_new(all, "sign_in_found_by", json_string(trace->by_name ? "name" : "family"));
    written = json_dumpf(all, console->out, JSON_INDENT(2) | JSON_SORT_KEYS) == 0 &&
              fputc('\n', console->out) != EOF;
    json_decref(all);
    return written || rb_fault(error, RB_FAULT_FILE, "the output could not be written");
}

/* The key is none of ours, as far as this log goes: say what the key says of itself. */
static gboolean
not_ours(const char *key, const char *account, GError **error)
{
    g_autofree char *quoted = rb_text_quote(key);

    if (!rb_access_key_check(key))
        return rb_refuse(error, RB_STORE_MISSING,
                         "%s is no access key id; they look like ASIABTX3GSDSQBNMGHLQ", quoted);
    if (rb_access_key_long_lived(key))
        return rb_refuse(
            error, RB_STORE_MISSING,
            "no lease of %s here: it is a long-lived key of an IAM user, which this service never issues; "
            "it seems to belong to account %s",
            quoted, account != NULL ? account : "(unknown)");
    return rb_refuse(error, RB_STORE_MISSING,
                     "no lease of %s in this log; the key seems to belong to account %s", quoted,
                     account != NULL ? account : "(unknown)");
}

gboolean
rb_audit_trace(const RbAuditConsole *console, RbStore *store, const char *key, gboolean json, GError **error)
{
    g_auto(Trace) trace = { 0 };
    char digits[13];
    const char *account = rb_access_key_account(key, digits) ? digits : NULL;

    if (!find_all(store, key, &trace, error))
        return FALSE;
    if (trace.lease == NULL)
        return not_ours(key, account, error);
    if (json)
        return print_json(console, key, account, &trace, error);
    tell(console, key, account, &trace);
    return TRUE;
}
