#ifndef RB_TEST_DEPLOY_FAKE_PRIV_H
#define RB_TEST_DEPLOY_FAKE_PRIV_H

#include "fake_iam.h"

#include "support/server.h"

#include "base/encoding.h"

#include <pthread.h>
#include <string.h>

struct FakeIam {
    Server *server;
    char *url;
    const char *account;
    pthread_mutex_t lock; /* over all that follows */
    json_t *roles, *policies, *providers;
    GString *log;
    guint calls, fail_at, page, attachments, unsettled, numbers;
    FakeFault fault;
    gboolean failed;
    int status;
    char *body;
};

/* One call: what it asks, and what it is answered. */
typedef struct {
    FakeIam *fake;
    GHashTable *form;
    GString *out;     /* inside of …Result */
    const char *code; /* an error; NULL: none */
} Call;

static inline const char *
get(const Call *c, const char *name)
{
    return g_hash_table_lookup(c->form, name);
}

static inline const char *
text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value == NULL ? "" : value;
}

static inline void add(Call *c, const char *format, ...) G_GNUC_PRINTF(2, 3);

static inline void
add(Call *c, const char *format, ...)
{
    va_list args;
    g_autofree char *markup = NULL;

    va_start(args, format);
    markup = g_markup_vprintf_escaped(format, args);
    va_end(args);
    g_string_append(c->out, markup);
}

static inline json_t *
find(Call *c, json_t *in, const char *name)
{
    json_t *found = name == NULL ? NULL : json_object_get(in, name);

    if (found == NULL)
        c->code = "NoSuchEntity";
    return found;
}

static inline json_t *
role_of(Call *c)
{
    return find(c, c->fake->roles, get(c, "RoleName"));
}

static inline json_t *
policy_of(Call *c)
{
    return find(c, c->fake->policies, get(c, "PolicyArn"));
}

/* ---- tags ---- */

static inline void
read_tags(Call *c, json_t *tags)
{
    for (guint i = 1;; i++) {
        g_autofree char *key = g_strdup_printf("Tags.member.%u.Key", i);
        g_autofree char *value = g_strdup_printf("Tags.member.%u.Value", i);
        if (get(c, key) == NULL)
            return;
        (void)json_object_set_new(tags, get(c, key), json_string(get(c, value)));
    }
}

static inline void
add_tags(Call *c, const json_t *tags)
{
    const char *key;
    json_t *value;

    g_string_append(c->out, "<Tags>");
    json_object_foreach((json_t *)tags, key, value)
        add(c, "<member><Key>%s</Key><Value>%s</Value></member>", key, json_string_value(value));
    g_string_append(c->out, "</Tags>");
}

static inline void
tag(Call *c, json_t *thing)
{
    if (thing != NULL)
        read_tags(c, json_object_get(thing, "tags"));
}

static inline void
untag(Call *c, json_t *thing)
{
    if (thing != NULL)
        (void)json_object_del(json_object_get(thing, "tags"), get(c, "TagKeys.member.1"));
}

static inline int
attached_to(const FakeIam *fake, const char *arn)
{
    const char *name;
    json_t *role, *item;
    size_t i;
    int n = 0;

    json_object_foreach(fake->roles, name, role)
        json_array_foreach(json_object_get(role, "attached"), i, item) n +=
        g_str_equal(json_string_value(item), arn);
    return n;
}

static inline size_t
index_of(const json_t *list, const char *wanted)
{
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item) if (g_str_equal(json_string_value(item), wanted)) return i;
    return json_array_size(list);
}

/** What a call does: the tables end with a row without a name. */
typedef struct {
    const char *name;
    void (*answer)(Call *c);
} FakeAction;
extern const FakeAction fake_reads[], fake_writes[];

#endif
