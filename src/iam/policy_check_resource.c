#include "iam/arn.h"
#include "iam/catalogue.h"
#include "iam/match.h"
#include "iam/policy_check_priv.h"

#include "base/encoding.h"

#include <string.h>

/* Resource and NotResource: ARNs field by field, against what the catalogue says of the service's resources.
 */

enum { PARTITION, SERVICE, REGION, ACCOUNT, RESOURCE, N_FIELDS };

typedef struct {
    char *at[N_FIELDS];
    char *buffer;
} Fields;

static void
fields_clear(Fields *fields)
{
    g_free(fields->buffer);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fields, fields_clear)

/* The first colons of @arn cut it, but for those in a variable. FALSE: too few. */
static gboolean
fields_cut(const char *arn, Fields *fields)
{
    char *at = fields->buffer = g_strdup(arn);
    guint depth = 0, n = 0;

    for (; *at != '\0' && n < N_FIELDS; at++) {
        if (at[0] == '$' && at[1] == '{')
            depth++;
        else if (*at == '}' && depth > 0)
            depth--;
        if (*at != ':' || depth > 0)
            continue;
        *at = '\0';
        fields->at[n++] = at + 1;
    }
    return n == N_FIELDS;
}

/* ---- what the catalogue says ---- */

/* One way in which a service writes an ARN: its last field with '*' for each placeholder. */
typedef struct {
    char *resource;
    gboolean region, account;
} Template;

static void
template_add(GHashTable *by_service, const char *arn)
{
    g_auto(Fields) fields = { { NULL }, NULL };
    g_autoptr(GString) pattern = g_string_new(NULL);
    GArray *list;
    Template template;

    if (!fields_cut(arn, &fields))
        return;
    for (const char *at = fields.at[RESOURCE]; *at != '\0'; at++) {
        const char *close = g_str_has_prefix(at, "${") ? strchr(at, '}') : NULL;
        g_string_append_c(pattern, close != NULL ? '*' : *at);
        at = close != NULL ? close : at;
    }
    list = g_hash_table_lookup(by_service, fields.at[SERVICE]);
    if (list == NULL) {
        list = g_array_new(FALSE, FALSE, sizeof(Template));
        g_hash_table_insert(by_service, g_strdup(fields.at[SERVICE]), list);
    }
    template = (Template){ g_string_free(g_steal_pointer(&pattern), FALSE), *fields.at[REGION] != '\0',
                           *fields.at[ACCOUNT] != '\0' };
    g_array_append_val(list, template);
}

static gpointer
read_templates(gpointer unused)
{
    GHashTable *by_service = g_hash_table_new(g_str_hash, g_str_equal); /* for good, as the catalogue is */
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) all = rb_catalogue_expand("*");

    (void)unused;
    for (guint i = 0; i < all->len; i++) {
        const RbAction *action = g_ptr_array_index(all, i);
        for (guint r = 0; action->resources[r] != NULL; r++)
            for (guint k = 0; action->resources[r]->arns[k] != NULL; k++)
                if (g_hash_table_add(seen, (gpointer)action->resources[r]->arns[k]))
                    template_add(by_service, action->resources[r]->arns[k]);
    }
    return by_service;
}

static const GArray *
templates_of(const char *service)
{
    static GOnce once = G_ONCE_INIT;

    return g_hash_table_lookup(g_once(&once, read_templates, NULL), service);
}

/* ---- the fields ---- */

static gboolean
is_open(const char *field) /* a wildcard or a variable: it may be anything */
{
    return strpbrk(field, "*?$") != NULL;
}

static void
check_partition(const RbPolicyCheck *check, const RbPolicyText *text, const char *partition)
{
    static const char *const known[] = { "aws",       "aws-cn",    "aws-us-gov", "aws-iso", "aws-iso-b",
                                         "aws-iso-e", "aws-iso-f", "aws-eusc",   NULL };
    const char *near = rb_text_nearest(partition, known);
    g_autofree char *quoted = rb_text_quote(partition);
    g_autofree char *hint = g_strdup_printf("did you mean '%s'?", near == NULL ? "aws" : near);

    if (!is_open(partition) && !g_strv_contains(known, partition))
        RB_FIND(check, ERROR, "INVALID_PARTITION", text->place, hint, "AWS has no partition %s", quoted);
}

/* The service's own ways to write ARNs, those that @fields may be one of. */
static void
check_form(const RbPolicyCheck *check, const RbPolicyText *text, const Fields *fields,
           const GArray *templates)
{
    gboolean some = FALSE, region = FALSE, no_region = FALSE, account = FALSE;
    g_autofree char *quoted = rb_text_quote(text->text);

    for (guint i = 0; i < templates->len; i++) {
        const Template *t = &g_array_index(templates, Template, i);
        if (strstr(fields->at[RESOURCE], "${") == NULL &&
            !rb_match_overlaps(t->resource, fields->at[RESOURCE]))
            continue;
        some = TRUE;
        region = region || t->region;
        no_region = no_region || !t->region;
        account = account || t->account;
    }
    if (!some) /* an error to the Analyzer; but what the catalogue has of ARNs is not all that AWS takes */
        RB_FIND(check, WARNING, "INVALID_ARN_RESOURCE", text->place, NULL, "%s has no resource like %s",
                fields->at[SERVICE], quoted);
    else if (*fields->at[REGION] != '\0' && !is_open(fields->at[REGION]) && !region)
        RB_FIND(check, ERROR, "ARN_REGION_NOT_ALLOWED", text->place, "leave it out",
                "resources of %s like this one have no Region in their ARN", fields->at[SERVICE]);
    else if (*fields->at[REGION] == '\0' && !no_region)
        RB_FIND(check, ERROR, "MISSING_ARN_REGION", text->place, "write it, or *",
                "resources of %s like this one have a Region in their ARN", fields->at[SERVICE]);
    if (some && *fields->at[ACCOUNT] != '\0' && !is_open(fields->at[ACCOUNT]) && !account)
        RB_FIND(check, ERROR, "ARN_ACCOUNT_NOT_ALLOWED", text->place, "leave it out",
                "resources of %s like this one have no account in their ARN", fields->at[SERVICE]);
}

static void
check_service(const RbPolicyCheck *check, const RbPolicyText *text, const Fields *fields)
{
    const char *service = fields->at[SERVICE];
    g_autofree char *lower = g_ascii_strdown(service, -1), *quoted = rb_text_quote(service);
    const GArray *templates = templates_of(service);
    const char *near = rb_catalogue_nearest(lower);
    g_autofree char *hint = near == NULL ? NULL : g_strdup_printf("did you mean '%s'?", near);

    if (is_open(service))
        return;
    if (templates != NULL)
        check_form(check, text, fields, templates);
    else if (templates_of(lower) != NULL || (!g_str_equal(lower, service) && rb_catalogue_has_service(lower)))
        RB_FIND(check, ERROR, "INVALID_ARN_SERVICE_CASE", text->place, "write it in lower case",
                "the service %s is not in lower case", quoted);
    else if (!rb_catalogue_has_service(service))
        RB_FIND(check, ERROR, "INVALID_SERVICE", text->place, hint, "AWS has no service %s", quoted);
}

static void
check_owner(const RbPolicyCheck *check, const RbPolicyText *text, const Fields *fields)
{
    const char *region = fields->at[REGION], *account = fields->at[ACCOUNT];

    if (*region != '\0' && !is_open(region) && !rb_arn_is_region(region))
        RB_FIND(check, ERROR, "INVALID_ARN_REGION", text->place, "write one like eu-central-1, or *",
                "'%s' is no Region", region);
    if (*account != '\0' && !is_open(account) && !rb_arn_is_account(account) && !g_str_equal(account, "aws"))
        RB_FIND(check, ERROR, "INVALID_ARN_ACCOUNT", text->place, "write its twelve digits, or *",
                "'%s' is no account", account);
}

static void
check_resource(const RbPolicyCheck *check, const RbPolicyText *text)
{
    static const char before[] = "a variable stands before the fifth colon of an ARN, where AWS takes none";
    g_auto(Fields) fields = { { NULL }, NULL };
    const char *resource;
    gsize head;

    if (g_str_equal(text->text, "*"))
        return;
    if (!fields_cut(text->text, &fields)) {
        (void)rb_policy_check_variables(check, text, text->text, NULL, NULL);
        RB_FIND(check, ERROR, "MISSING_ARN_FIELD", text->place,
                "write arn:partition:service:region:account:resource", "an ARN has six fields");
        return;
    }
    head = (gsize)(fields.at[RESOURCE] - fields.buffer);
    resource = text->text + head;
    if (memmem(text->text, head, "${", 2) != NULL)
        RB_FIND(check, ERROR, "VARIABLE_UNSUPPORTED_IN_ELEMENT", text->place, "write it out, or *", "%s",
                before);
    (void)rb_policy_check_variables(check, text, resource, NULL, NULL);
    check_partition(check, text, fields.at[PARTITION]);
    check_service(check, text, &fields);
    check_owner(check, text, &fields);
}

void
rb_policy_check_resources(const RbPolicyCheck *check)
{
    for (guint i = 0; i < check->s->resources.n; i++)
        check_resource(check, &check->s->resources.at[i]);
    rb_policy_check_spare(check, check->s->resources, "REDUNDANT_RESOURCE", rb_match_covers_arn);
}
