#include "base/encoding.h"
#include "base/file.h"
#include "base/refusal.h"
#include "issue/keys.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* New keys. Files first, keys.json last: until then nobody knows of them. */

enum { KID_ID = 8 }; /* hex digits of the public key's hash behind the day */

/* Root makes a key for the service's user: it is owned by whom the directory belongs to. */
static gboolean
give_away(const char *dir, const char *path, GError **error)
{
    struct stat st;

    if (geteuid() != 0)
        return TRUE;
    return (stat(dir, &st) == 0 && lchown(path, st.st_uid, st.st_gid) == 0) ||
           rb_fault(error, RB_FAULT_FILE, "a new key could not be given to the owner of its directory");
}

static gboolean
write_private(const char *dir, const char *name, const RbPrivateKey *key, GError **error)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autoptr(RbSecret) pem = rb_private_key_to_pem(key, error);

    return pem != NULL && rb_file_write(path, rb_secret_reveal(pem), rb_secret_size(pem), 0600, error) &&
           give_away(dir, path, error);
}

static gboolean
write_certificate(const char *dir, const char *kid, GBytes *certificate, GError **error)
{
    g_autofree char *name = g_strconcat(kid, ".pem", NULL), *path = g_build_filename(dir, name, NULL);
    g_autofree char *pem = rb_certificate_to_pem(certificate);

    return rb_file_write(path, pem, strlen(pem), 0644, error);
}

/* "2026-11-24-3f9a1c2d": when it was made, and which it is. */
static char *
kid_for(const RbPrivateKey *key, gint64 now)
{
    g_autofree char *time = rb_time_format(now);

    return g_strdup_printf("%.10s-%.*s", time, KID_ID, rb_private_key_id(key));
}

static RbKeyEntry *
entry_new(const RbKeyOrder *order, const RbPrivateKey *key, gint64 now)
{
    RbKeyEntry *entry = g_new0(RbKeyEntry, 1);

    entry->kid = kid_for(key, now);
    entry->use = order->use;
    entry->algorithm = rb_private_key_algorithm(key);
    entry->key = rb_private_key_uri(key) != NULL ? g_strdup(rb_private_key_uri(key))
                                                 : g_strconcat(entry->kid, ".key", NULL);
    entry->created_at = now;
    entry->signs_from = order->signs_from;
    return entry;
}

gboolean
rb_key_entries_check_order(const GPtrArray *entries, const RbKeyOrder *order, gint64 now, GError **error)
{
    const RbKeyEntry *next = rb_key_entries_next(entries, order->use, now);
    g_autofree char *from = next == NULL ? NULL : rb_time_format(next->signs_from);

    if (entries->len >= RB_KEYS_MAX)
        return rb_refuse(error, RB_SIGN_KEY, "there are %u keys already; take old entries out of keys.json",
                         entries->len);
    return next == NULL ||
           rb_refuse(error, RB_SIGN_KEY,
                     "the key '%s' waits already, and signs from %s; wait, or retire it first", next->kid,
                     from);
}

static RbPrivateKey *
make_private(const RbSigningKeysSetting *setting, const RbKeyOrder *order, GError **error)
{
    const char *algorithm = order->algorithm != NULL ? order->algorithm : rb_key_algorithm_usual(order->use);
    g_autoptr(RbToken) token = NULL;

    if (setting->pkcs11_module == NULL)
        return rb_private_key_generate(algorithm, error);
    token = rb_token_new(setting->pkcs11_module, setting->pkcs11_token, setting->pkcs11_pin, error);
    return token == NULL ? NULL : rb_token_key_generate(token, algorithm, error);
}

const RbKeyEntry *
rb_key_entries_make(const RbSigningKeysSetting *setting, GPtrArray *entries, const RbKeyOrder *order,
                    gint64 now, GError **error)
{
    g_autoptr(RbPrivateKey) key = NULL;
    g_autoptr(GBytes) certificate = NULL;
    RbKeyEntry *entry;

    key = make_private(setting, order, error);
    if (key == NULL)
        return NULL;
    certificate =
        rb_certificate_make(key, order->name, now - RB_KEYS_BACKDATE_S, now + RB_KEYS_CERTIFICATE_S, error);
    if (certificate == NULL)
        return NULL;
    entry = entry_new(order, key, now);
    g_ptr_array_add(entries, entry);
    if ((rb_key_entry_on_token(entry) || write_private(setting->dir, entry->key, key, error)) &&
        write_certificate(setting->dir, entry->kid, certificate, error) &&
        rb_key_entries_write(setting->dir, entries, error))
        return entry;
    g_ptr_array_set_size(entries, (gint)entries->len - 1);
    return NULL;
}

/* ---- retiring ---- */

static RbKeyEntry *
find(const GPtrArray *entries, const char *kid)
{
    for (guint i = 0; i < entries->len; i++)
        if (g_str_equal(((const RbKeyEntry *)entries->pdata[i])->kid, kid))
            return entries->pdata[i];
    return NULL;
}

/* With @entry out of the way: whether something signs, the next key if there is one. */
static gboolean
hand_over(GPtrArray *entries, const RbKeyEntry *entry, gint64 now, GError **error)
{
    const char *use = rb_key_use_name(entry->use);
    RbKeyEntry *next = (RbKeyEntry *)rb_key_entries_next(entries, entry->use, now);

    if (next != NULL)
        next->signs_from = now;
    return rb_key_entries_current(entries, entry->use, now) != NULL ||
           rb_refuse(error, RB_SIGN_KEY,
                     "'%s' is the last key for %ss; make another first: rolebridgectl keys rotate --for %s "
                     "--overlap 0s",
                     entry->kid, use, use);
}

static gboolean
check_retire(const GPtrArray *entries, const RbKeyEntry *entry, const char *kid, gboolean leaked, gint64 now,
             GError **error)
{
    g_autofree char *quoted = rb_text_quote(kid);
    g_autofree char *until = entry == NULL ? NULL : rb_time_format(entry->published_until);

    if (entry == NULL)
        return rb_refuse(error, RB_SIGN_KEY, "no key %s; rolebridgectl keys list names them", quoted);
    if (entry->published_until != 0 && entry->published_until <= now)
        return rb_refuse(error, RB_SIGN_KEY, "the key %s was retired at %s", quoted, until);
    if (entry->created_at > now)
        return rb_refuse(error, RB_SIGN_KEY,
                         "the key %s was made by a clock that is ahead of this one; set this clock, or wait",
                         quoted);
    if (!leaked && entry == rb_key_entries_current(entries, entry->use, now))
        return rb_refuse(error, RB_SIGN_KEY,
                         "the key %s signs; rotate first, and retire it when its successor signs; a key that "
                         "leaked ends with --now --yes",
                         quoted);
    return TRUE;
}

/* Best effort: what is left is a key that nobody trusts any more. What is on a token, its owner deletes. */
static void
delete_private(const char *dir, const RbKeyEntry *entry)
{
    g_autofree char *path = g_build_filename(dir, entry->key, NULL);

    if (!rb_key_entry_on_token(entry))
        (void)unlink(path);
}

gboolean
rb_key_entries_retire(const RbSigningKeysSetting *setting, GPtrArray *entries, const char *kid,
                      gboolean leaked, gint64 now, GError **error)
{
    RbKeyEntry *entry = find(entries, kid);
    gboolean signs;

    if (!check_retire(entries, entry, kid, leaked, now, error))
        return FALSE;
    signs = entry == rb_key_entries_current(entries, entry->use, now);
    entry->published_until = now;
    if ((signs && !hand_over(entries, entry, now, error)) ||
        !rb_key_entries_write(setting->dir, entries, error))
        return FALSE;
    delete_private(setting->dir, entry);
    return TRUE;
}
