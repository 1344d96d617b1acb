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
    entry->key = g_strconcat(entry->kid, ".key", NULL);
    entry->created_at = now;
    entry->signs_from = order->signs_from;
    return entry;
}

const RbKeyEntry *
rb_key_entries_make(const RbSigningKeysSetting *setting, GPtrArray *entries, const RbKeyOrder *order,
                    gint64 now, GError **error)
{
    g_autoptr(RbPrivateKey) key = NULL;
    g_autoptr(GBytes) certificate = NULL;
    RbKeyEntry *entry;

    if (entries->len >= RB_KEYS_MAX) {
        (void)rb_refuse(error, RB_SIGN_KEY, "there are %u keys already", entries->len);
        return NULL;
    }
    key = rb_private_key_generate(
        order->algorithm != NULL ? order->algorithm : rb_key_algorithm_usual(order->use), error);
    if (key == NULL)
        return NULL;
    certificate =
        rb_certificate_make(key, order->name, now - RB_KEYS_BACKDATE_S, now + RB_KEYS_CERTIFICATE_S, error);
    if (certificate == NULL)
        return NULL;
    entry = entry_new(order, key, now);
    g_ptr_array_add(entries, entry);
    if (write_private(setting->dir, entry->key, key, error) &&
        write_certificate(setting->dir, entry->kid, certificate, error) &&
        rb_key_entries_write(setting->dir, entries, error))
        return entry;
    g_ptr_array_set_size(entries, (gint)entries->len - 1);
    return NULL;
}
