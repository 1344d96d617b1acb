#include "base/encoding.h"
#include "store/priv.h"

#include <openssl/evp.h>
#include <string.h>

void
rb_audit_chain_hash(const guint8 before[RB_AUDIT_HASH_BYTES], const char *text, gsize size,
                    guint8 next[RB_AUDIT_HASH_BYTES])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    guint8 digest[RB_AUDIT_HASH_BYTES];
    gboolean made;

    made = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
           EVP_DigestUpdate(ctx, before, RB_AUDIT_HASH_BYTES) == 1 &&
           EVP_DigestUpdate(ctx, text, size) == 1 && EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    if (!made)
        g_error("SHA-256 is not available: the OpenSSL of this machine is broken");
    memcpy(next, digest, sizeof digest);
}

char *
rb_audit_head_to_text(const RbAuditHead *head)
{
    g_autofree char *hex = rb_hex_encode(head->hash, sizeof head->hash);

    return g_strdup_printf("%" G_GINT64_FORMAT ":%s", head->seq, hex);
}

gboolean
rb_audit_head_parse(const char *text, RbAuditHead *head)
{
    const char *hex = strchr(text, ':');
    g_autofree char *number = hex != NULL ? g_strndup(text, (gsize)(hex - text)) : NULL;
    RbAuditHead parsed;
    guint64 seq;

    if (number == NULL || !g_ascii_string_to_unsigned(number, 10, 0, G_MAXINT64, &seq, NULL) ||
        strlen(hex + 1) != 2 * sizeof parsed.hash)
        return FALSE;
    for (gsize i = 0; i < sizeof parsed.hash; i++) {
        gint high = g_ascii_xdigit_value(hex[1 + 2 * i]), low = g_ascii_xdigit_value(hex[2 + 2 * i]);
        if (high < 0 || low < 0)
            return FALSE;
        parsed.hash[i] = (guint8)(high * 16 + low);
    }
    parsed.seq = (gint64)seq;
    *head = parsed;
    return TRUE;
}

/* What the walk has seen so far. */
typedef struct {
    RbAuditChain chain;
    RbAuditHead last;
    const RbAuditHead *known;
    gboolean started;
} Walk;

static gboolean
check_known(const Walk *walk, GError **error)
{
    if (walk->known == NULL || walk->known->seq != walk->last.seq)
        return TRUE;
    if (memcmp(walk->known->hash, walk->last.hash, RB_AUDIT_HASH_BYTES) != 0)
        return rb_refuse(error, RB_AUDIT_BROKEN,
                         "record %" G_GINT64_FORMAT
                         " is not the one of the known head: it, or one before it, was changed",
                         walk->last.seq);
    return TRUE;
}

/* The chain is filled in before the first visit, not before the walk: hence here. */
static gboolean
start(Walk *walk, GError **error)
{
    if (walk->started)
        return TRUE;
    walk->started = TRUE;
    walk->last.seq = 0;
    memcpy(walk->last.hash, walk->chain.genesis, RB_AUDIT_HASH_BYTES);
    return check_known(walk, error);
}

static gboolean
check_row(const RbAuditRow *row, gpointer data, GError **error)
{
    Walk *walk = data;
    gint64 due;
    json_t *record;
    gboolean same;

    if (!start(walk, error))
        return FALSE;
    due = walk->last.seq + 1;
    if (row->seq != due)
        return rb_refuse(error, RB_AUDIT_BROKEN, "record %" G_GINT64_FORMAT " is missing", due);
    rb_audit_chain_hash(walk->last.hash, row->text, row->size, walk->last.hash);
    if (memcmp(walk->last.hash, row->hash, RB_AUDIT_HASH_BYTES) != 0)
        return rb_refuse(error, RB_AUDIT_BROKEN, "record %" G_GINT64_FORMAT " was changed", due);
    record = json_loadb(row->text, row->size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    same = json_integer_value(json_object_get(record, "seq")) == due;
    json_decref(record);
    if (!same)
        return rb_refuse(error, RB_AUDIT_BROKEN, "record %" G_GINT64_FORMAT " says it is another", due);
    walk->last.seq = due;
    return check_known(walk, error);
}

static gboolean
check_end(const Walk *walk, GError **error)
{
    const RbAuditHead *end = &walk->chain.head;

    if (walk->last.seq != end->seq)
        return rb_refuse(error, RB_AUDIT_BROKEN,
                         "the log ends at record %" G_GINT64_FORMAT ", its head says %" G_GINT64_FORMAT
                         ": the newest records are missing, or were added behind its back",
                         walk->last.seq, end->seq);
    if (memcmp(walk->last.hash, end->hash, RB_AUDIT_HASH_BYTES) != 0)
        return rb_refuse(error, RB_AUDIT_BROKEN,
                         "the head of the log does not match its last record, %" G_GINT64_FORMAT,
                         walk->last.seq);
    if (walk->known != NULL && walk->known->seq > walk->last.seq)
        return rb_refuse(error, RB_AUDIT_BROKEN,
                         "the log ends at record %" G_GINT64_FORMAT ", and had %" G_GINT64_FORMAT
                         " when the known head was taken: it was cut or is an older copy",
                         walk->last.seq, walk->known->seq);
    return TRUE;
}

gboolean
rb_audit_verify(RbStore *store, const RbAuditHead *known, RbAuditHead *head, GError **error)
{
    const RbAuditFilter all = { 0 };
    Walk walk = { .known = known };

    if (!rb_audit_walk(store, &all, &walk.chain, check_row, &walk, error) || !start(&walk, error) ||
        !check_end(&walk, error))
        return FALSE;
    if (head != NULL)
        *head = walk.last;
    return TRUE;
}

gboolean
rb_audit_each(RbStore *store, const RbAuditFilter *filter, RbAuditHead *head, RbAuditVisitor visitor,
              gpointer data, GError **error)
{
    RbAuditChain chain;

    if (head == NULL)
        return rb_audit_walk(store, filter, NULL, visitor, data, error);
    if (!rb_audit_walk(store, filter, &chain, visitor, data, error))
        return FALSE;
    *head = chain.head;
    return TRUE;
}

static gboolean
visit_nothing(const RbAuditRow *row, gpointer data, GError **error)
{
    (void)row, (void)data, (void)error; /* only the head is asked for */
    return FALSE;
}

gboolean
rb_audit_head(RbStore *store, RbAuditHead *head, GError **error)
{
    const RbAuditFilter one = { .limit = 1 };

    return rb_audit_each(store, &one, head, visit_nothing, NULL, error);
}
