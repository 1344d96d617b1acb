#include "access/priv.h"

enum { INDEXES_MAX = 16 };

char *
rb_subject_key(const char *provider, const char *subject)
{
    g_autofree char *both = g_strconcat(provider, "\n", subject, NULL);
    g_autofree char *handle = rb_text_handle(both);

    return g_strconcat("subject:", handle, NULL); /* no person's name has a colon */
}

char *
rb_index_key(const char *provider, const char *index)
{
    g_autofree char *both = g_strconcat(provider, "\n", index, NULL);
    g_autofree char *handle = rb_text_handle(both);

    return g_strconcat("index:", handle, NULL);
}

RbRefusalCode
rb_replayed_code(const RbProvider *provider)
{
    return g_str_equal(rb_provider_type(provider), "saml") ? RB_SAML_REPLAYED : RB_JWT_REPLAYED;
}

static char *
mark_key(const char *kind, const char *id)
{
    return g_strconcat(kind, ":", id, NULL);
}

/* A logout token may name the IdP's session alone: from there to the family. */
static void
index_put(RbBatch *batch, const char *family, const RbIdentity *identity, gint64 expires_at)
{
    g_autofree char *owner = rb_index_key(identity->provider, identity->session_index);
    g_autofree char *name = g_strconcat(owner, ":", family, NULL);
    json_t *body = json_object();

    rb_facts_text(body, "family", family);
    rb_batch_put(batch, RB_RECORD_SESSION, name, owner, expires_at, body);
}

void
rb_family_put(RbBatch *batch, const char *family, const RbIdentity *identity, const RbRecord *before,
              gint64 expires_at)
{
    g_autofree char *key = mark_key("family", family);
    g_autofree char *owner = rb_subject_key(identity->provider, identity->subject);
    json_t *body = json_object(), *indexes = json_array(), *index;
    gsize i;

    (void)json_object_set_new(body, "indexes", indexes);
    if (identity->session_index != NULL)
        (void)json_array_append_new(indexes, json_string(identity->session_index));
    json_array_foreach(before == NULL ? NULL : json_object_get(before->body, "indexes"), i, index)
    {
        if (json_array_size(indexes) < INDEXES_MAX && !json_equal(index, json_array_get(indexes, 0)))
            (void)json_array_append(indexes, index);
    }
    if (identity->session_index != NULL)
        index_put(batch, family, identity, before == NULL ? expires_at : MAX(expires_at, before->expires_at));
    if (before != NULL) /* a family that ends at this moment stays ended */
        rb_batch_take(batch, RB_RECORD_SESSION, key);
    rb_batch_put(batch, RB_RECORD_SESSION, key, owner,
                 before == NULL ? expires_at : MAX(expires_at, before->expires_at), body);
}

void
rb_family_drop(RbBatch *batch, const char *family)
{
    g_autofree char *key = mark_key("family", family);

    rb_batch_drop(batch, RB_RECORD_SESSION, key);
}

void
rb_chain_put(RbBatch *batch, const char *chain, const char *owner, gint64 expires_at)
{
    g_autofree char *key = mark_key("chain", chain);

    rb_batch_put(batch, RB_RECORD_SESSION, key, owner, expires_at, json_object());
}

void
rb_chain_take(RbBatch *batch, const char *chain)
{
    g_autofree char *key = mark_key("chain", chain);

    rb_batch_take(batch, RB_RECORD_SESSION, key);
}

void
rb_chain_drop(RbBatch *batch, const char *chain)
{
    g_autofree char *key = mark_key("chain", chain);

    rb_batch_drop(batch, RB_RECORD_SESSION, key);
}

gboolean
rb_family_find(RbAccess *access, const char *family, gint64 now, RbRecord **mark, GError **error)
{
    g_autofree char *key = mark_key("family", family);

    return rb_access_find(access, RB_RECORD_SESSION, key, now, mark, error);
}

static gboolean
mark_stands(RbAccess *access, const char *kind, const char *id, gint64 now, gboolean *stands, GError **error)
{
    g_autofree char *key = mark_key(kind, id);
    g_autoptr(RbRecord) mark = NULL;

    if (!rb_access_find(access, RB_RECORD_SESSION, key, now, &mark, error))
        return FALSE;
    *stands = mark != NULL;
    return TRUE;
}

gboolean
rb_marks_stand(RbAccess *access, const RbRecord *record, gint64 now, gboolean *stand, GError **error)
{
    const char *family = rb_body_text(record, "family"), *chain = rb_body_text(record, "chain");

    *stand = FALSE;
    if (family == NULL)
        return rb_fault(error, RB_FAULT_INTERNAL, "a stored session could not be read");
    if (!mark_stands(access, "family", family, now, stand, error))
        return FALSE;
    return !*stand || chain == NULL || mark_stands(access, "chain", chain, now, stand, error);
}

/* What nearly lasts that long anyway is not written again: a name may be used many times a second. */
gboolean
rb_name_claim(RbAccess *access, RbBatch *batch, const char *name, const char *realm, gint64 now,
              gint64 keep_s, GError **error)
{
    g_autofree char *key = g_ascii_strdown(name, -1);
    g_autoptr(RbRecord) held = NULL;
    json_t *body;

    if (!rb_access_find(access, RB_RECORD_NAME, key, now, &held, error))
        return FALSE;
    if (held != NULL && g_strcmp0(rb_body_text(held, "realm"), realm) != 0)
        return rb_refuse(error, RB_IDENTITY_NAME_TAKEN,
                         "'%s' belongs to realm '%s'; '%s' may not vouch for it", name,
                         rb_body_text(held, "realm"), realm);
    if (held != NULL && held->expires_at > now + keep_s - RB_NAME_SLACK_S)
        return TRUE;
    body = json_object();
    rb_facts_text(body, "realm", realm);
    rb_facts_text(body, "name", name);
    (held == NULL ? rb_batch_add : rb_batch_put)(batch, RB_RECORD_NAME, key, NULL, now + keep_s, body);
    return TRUE;
}
