#include "review/trail.h"

#include "iam/catalogue.h"

#include <string.h>

/* CloudTrail's records: who (the role of the session), what (an action), and whether AWS refused. */

static void
deed_free(gpointer data)
{
    RbDeed *deed = data;

    g_free(deed->role);
    g_free(deed->action);
    g_hash_table_unref(deed->resources);
    g_free(deed);
}

RbTrail *
rb_trail_new(void)
{
    RbTrail *trail = g_new0(RbTrail, 1);

    trail->deeds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, deed_free);
    trail->people =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    trail->groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return trail;
}

void
rb_trail_free(RbTrail *trail)
{
    if (trail == NULL)
        return;
    g_hash_table_unref(trail->deeds);
    g_hash_table_unref(trail->people);
    g_hash_table_unref(trail->groups);
    g_free(trail->from);
    g_free(trail->until);
    g_free(trail);
}

RbTrailFacts
rb_trail_facts(const RbTrail *t)
{
    return (RbTrailFacts){ t->records, t->of_roles, t->unknown, t->data_events, t->from, t->until };
}

static const char *
text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value == NULL ? "" : value;
}

/* Services whose events have another name than their actions. */
static const struct {
    const char *source, *service;
} services[] = {
    { "monitoring", "cloudwatch" }, { "email", "ses" },   { "sesv2", "ses" },   { "models.lex", "lex" },
    { "runtime.lex", "lex" },       { "tagging", "tag" }, { "api.ecr", "ecr" },
};

/* Events whose action has another name. */
static const struct {
    const char *service, *event, *action;
} events[] = {
    { "s3", "ListObjects", "ListBucket" },
    { "s3", "ListObjectsV2", "ListBucket" },
    { "s3", "HeadBucket", "ListBucket" },
    { "s3", "HeadObject", "GetObject" },
    { "s3", "ListBuckets", "ListAllMyBuckets" },
    { "s3", "CopyObject", "PutObject" },
    { "s3", "CreateMultipartUpload", "PutObject" },
    { "s3", "UploadPart", "PutObject" },
    { "s3", "CompleteMultipartUpload", "PutObject" },
    { "s3", "DeleteObjects", "DeleteObject" },
    { "s3", "ListObjectVersions", "ListBucketVersions" },
    { "lambda", "Invoke", "InvokeFunction" },
};

/* "s3.amazonaws.com", "ListObjects" → "s3:ListBucket"; NULL: AWS's catalogue has no such action. */
static const RbAction *
action_of(const char *source, const char *event)
{
    const char *dot = strstr(source, ".amazonaws.com");
    g_autofree char *service = g_strndup(source, dot == NULL ? strlen(source) : (gsize)(dot - source));
    g_autofree char *name = g_strdup(event), *action = NULL;
    gsize n = strlen(name);

    for (gsize i = 0; i < G_N_ELEMENTS(services); i++)
        if (g_str_equal(services[i].source, service)) {
            g_free(service);
            service = g_strdup(services[i].service);
            break;
        }
    while (n > 0 &&
           (g_ascii_isdigit(name[n - 1]) || name[n - 1] == '_' || (name[n - 1] == 'v' && name[n] != '\0')))
        n--; /* lambda's Invoke20150331, ListFunctions20150331v2 */
    if (g_str_equal(service, "lambda"))
        name[n] = '\0';
    for (gsize i = 0; i < G_N_ELEMENTS(events); i++)
        if (g_str_equal(events[i].service, service) && g_str_equal(events[i].event, name)) {
            g_free(name);
            name = g_strdup(events[i].action);
            break;
        }
    action = g_strconcat(service, ":", name, NULL);
    return rb_catalogue_action(action);
}

/* AWS's services do not agree on what they call it. */
static gboolean
is_refused(const char *error)
{
    return strstr(error, "AccessDenied") != NULL || strstr(error, "UnauthorizedOperation") != NULL ||
           g_str_equal(error, "AuthorizationError") || g_str_equal(error, "NotAuthorized");
}

static void
note_time(RbTrail *trail, const char *when)
{
    if (*when == '\0')
        return;
    if (trail->from == NULL || strcmp(when, trail->from) < 0) {
        g_free(trail->from);
        trail->from = g_strdup(when);
    }
    if (trail->until == NULL || strcmp(when, trail->until) > 0) {
        g_free(trail->until);
        trail->until = g_strdup(when);
    }
}

static void
note_resources(RbDeed *deed, const json_t *record)
{
    json_t *resource;
    size_t i;

    json_array_foreach(json_object_get(record, "resources"), i,
                       resource) if (g_str_has_prefix(text(resource, "ARN"), "arn:") &&
                                     g_hash_table_size(deed->resources) < RB_DEED_RESOURCES_MAX)
        g_hash_table_add(deed->resources, g_strdup(text(resource, "ARN")));
}

/* Who did it, by the session's name: "…:assumed-role/ROLE/PERSON". */
static void
note_person(RbTrail *trail, const json_t *record, const RbDeed *deed)
{
    const char *session = text(json_object_get(record, "userIdentity"), "arn");
    const char *person = strrchr(session, '/'), *role = strrchr(deed->role, '/');
    g_autofree char *key =
        person == NULL || role == NULL ? NULL : g_strconcat(role + 1, " ", person + 1, NULL);
    GHashTable *did = key == NULL ? NULL : g_hash_table_lookup(trail->people, key);

    if (key == NULL)
        return;
    if (did == NULL) {
        did = g_hash_table_new(g_str_hash, g_str_equal);
        g_hash_table_insert(trail->people, g_steal_pointer(&key), did);
    }
    g_hash_table_add(did, deed->action);
}

static void
note_deed(RbTrail *trail, const json_t *record, const char *role, const RbAction *action)
{
    g_autofree char *full = g_strconcat(action->service, ":", action->name, NULL);
    g_autofree char *key = g_strconcat(role, " ", full, NULL);
    RbDeed *deed = g_hash_table_lookup(trail->deeds, key);

    if (deed == NULL) {
        deed = g_new0(RbDeed, 1);
        deed->role = g_strdup(role);
        deed->action = g_strdup(full);
        deed->resources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_hash_table_insert(trail->deeds, g_steal_pointer(&key), deed);
    }
    if (!is_refused(text(record, "errorCode"))) {
        deed->done++;
        note_person(trail, record, deed);
        return;
    }
    deed->refused++;
    note_resources(deed, record);
}

static void
note_record(RbTrail *trail, const json_t *record)
{
    const json_t *who = json_object_get(record, "userIdentity");
    const json_t *issuer = json_object_get(json_object_get(who, "sessionContext"), "sessionIssuer");
    const char *role = text(issuer, "arn");
    const RbAction *action;

    trail->records++;
    note_time(trail, text(record, "eventTime"));
    trail->data_events = trail->data_events || g_str_equal(text(record, "eventCategory"), "Data") ||
                         json_is_false(json_object_get(record, "managementEvent"));
    if (!g_str_equal(text(who, "type"), "AssumedRole") || *role == '\0')
        return;
    trail->of_roles++;
    action = action_of(text(record, "eventSource"), text(record, "eventName"));
    if (action == NULL)
        trail->unknown++;
    else
        note_deed(trail, record, role, action);
}

typedef void (*NoteLine)(RbTrail *trail, const json_t *record);

/* One record a line; an empty line is none. */
static gboolean
read_lines(RbTrail *trail, const char *file, GBytes *bytes, NoteLine note, const char *hint,
           RbDiagnostics *problems)
{
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    guint line = 1, n_records = 0;

    for (const char *at = data, *end = data + size; at < end; line++) {
        const char *stop = memchr(at, '\n', (gsize)(end - at));
        gsize n = (gsize)((stop == NULL ? end : stop) - at);
        json_error_t why;
        json_t *record = n == 0 ? NULL : json_loadb(at, n, JSON_REJECT_DUPLICATES, &why);
        gboolean fits = n == 0 || json_is_object(record);
        if (fits && record != NULL) {
            note(trail, record);
            n_records++;
        }
        json_decref(record);
        if (!fits) {
            rb_diagnostics_error(problems, file, line, 1, hint, "not a record");
            return FALSE;
        }
        at += n + 1;
    }
    if (n_records == 0)
        rb_diagnostics_error(problems, file, 1, 1, hint, "no record in it");
    return n_records > 0;
}

static void
note_lease(RbTrail *trail, const json_t *record)
{
    const char *name = text(record, "name"), *role = text(record, "role"), *group = text(record, "group");

    if (g_str_equal(text(record, "kind"), "lease") && *name != '\0' && *role != '\0' && *group != '\0')
        g_hash_table_replace(trail->groups, g_strconcat(role, " ", name, NULL), g_strdup(group));
}

gboolean
rb_trail_read_audit(RbTrail *trail, const char *file, GBytes *lines, RbDiagnostics *problems)
{
    return read_lines(trail, file, lines, note_lease,
                      "make one with: rolebridgectl audit export --kind lease", problems);
}

gboolean
rb_trail_read(RbTrail *trail, const char *file, GBytes *bytes, RbDiagnostics *problems)
{
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    json_error_t why;
    json_t *json = json_loadb(size == 0 ? "" : data, size, JSON_REJECT_DUPLICATES, &why), *record;
    const json_t *records = json_object_get(json, "Records");
    gboolean whole =
        json_is_array(records) || (json_is_object(json) && json_object_get(json, "eventName") != NULL);
    size_t i;

    json_array_foreach(records, i, record) note_record(trail, record);
    if (whole && records == NULL)
        note_record(trail, json); /* one record alone */
    json_decref(json);
    return whole || read_lines(trail, file, bytes, note_record,
                               "CloudTrail's files are {\"Records\": […]}, or one record a line", problems);
}
