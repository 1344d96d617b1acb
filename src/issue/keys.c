#include "issue/keys.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/refusal.h"

#include <string.h>
#include <sys/stat.h>

/** The keys of one reading. Immutable; reference-counted. */
typedef struct {
    gatomicrefcount refs;
    GPtrArray *entries; /* RbKeyEntry: those below, in the same order */
    GPtrArray *keys;    /* RbSigningKey */
} Set;

struct RbSigningKeys {
    char *dir;
    RbToken *token; /* NULL: keys are in files alone */
    GMutex lock;    /* the fields below */
    Set *set;
    char *read; /* what keys.json looked like when it was read; NULL: never */
};

RbSigningKey *
rb_signing_key_ref(RbSigningKey *key)
{
    g_atomic_ref_count_inc(&key->refs);
    return key;
}

void
rb_signing_key_unref(RbSigningKey *key)
{
    if (key == NULL || !g_atomic_ref_count_dec(&key->refs))
        return;
    g_free(key->kid);
    rb_private_key_unref(key->key);
    g_bytes_unref(key->certificate);
    g_free(key);
}

static Set *
set_new(void)
{
    Set *set = g_new0(Set, 1);

    g_atomic_ref_count_init(&set->refs);
    set->entries = g_ptr_array_new_with_free_func((GDestroyNotify)rb_key_entry_free);
    set->keys = g_ptr_array_new_with_free_func((GDestroyNotify)rb_signing_key_unref);
    return set;
}

static void
set_unref(Set *set)
{
    if (set == NULL || !g_atomic_ref_count_dec(&set->refs))
        return;
    g_ptr_array_unref(set->entries);
    g_ptr_array_unref(set->keys);
    g_free(set);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Set, set_unref)

/* (transfer full): the keys of this moment. */
static Set *
set_of(RbSigningKeys *keys)
{
    Set *set;

    g_mutex_lock(&keys->lock);
    set = keys->set;
    g_atomic_ref_count_inc(&set->refs);
    g_mutex_unlock(&keys->lock);
    return set;
}

/* ---- reading ---- */

static GBytes *
read_certificate(const char *dir, const char *kid, GError **error)
{
    g_autofree char *name = g_strconcat(kid, ".pem", NULL), *path = g_build_filename(dir, name, NULL);
    g_autoptr(GBytes) pem = rb_file_read(path, RB_SIGN_MAX_KEY_FILE, error);
    gsize size;
    const char *text = pem == NULL ? NULL : g_bytes_get_data(pem, &size);

    return text == NULL ? NULL : rb_certificate_to_der(text, size, error);
}

/* A token is not asked before it is to sign: where it is away, the rest of the service works. */
static RbPrivateKey *
read_private(const RbSigningKeys *keys, const RbKeyEntry *entry, GBytes *certificate, GError **error)
{
    g_autofree char *path = g_build_filename(keys->dir, entry->key, NULL);
    g_autoptr(RbSecret) pem = NULL;

    if (rb_key_entry_on_token(entry)) {
        if (keys->token != NULL)
            return rb_token_key(keys->token, entry->key, certificate, error);
        (void)rb_refuse(error, RB_SIGN_KEY, "it is on a token, and rolebridge.yaml has no issuer.pkcs11");
        return NULL;
    }
    pem = rb_file_read_secret(path, RB_SIGN_MAX_KEY_FILE, FALSE, error);
    return pem == NULL ? NULL : rb_private_key_parse(pem, error);
}

/* A certificate of another key would publish what nothing is signed with. */
static gboolean
check_match(const RbSigningKey *key, GError **error)
{
    g_autofree char *id = rb_certificate_key_id(key->certificate, error);

    if (id == NULL)
        return FALSE;
    if (!g_str_equal(id, rb_private_key_id(key->key)))
        return rb_refuse(error, RB_SIGN_KEY, "%s.pem is the certificate of another key", key->kid);
    return g_str_equal(key->algorithm, rb_private_key_algorithm(key->key)) ||
           rb_refuse(error, RB_SIGN_KEY, "the key is for %s, not for %s", rb_private_key_algorithm(key->key),
                     key->algorithm);
}

static RbSigningKey *
load_key(const RbSigningKeys *keys, const RbKeyEntry *entry, GError **error)
{
    g_autoptr(RbSigningKey) key = g_new0(RbSigningKey, 1);

    g_atomic_ref_count_init(&key->refs);
    key->kid = g_strdup(entry->kid);
    key->use = entry->use;
    key->algorithm = entry->algorithm;
    key->created_at = entry->created_at;
    key->signs_from = entry->signs_from;
    key->published_until = entry->published_until;
    key->certificate = read_certificate(keys->dir, entry->kid, error);
    if (key->certificate == NULL)
        return NULL;
    key->key = read_private(keys, entry, key->certificate, error);
    return key->key != NULL && check_match(key, error) ? g_steal_pointer(&key) : NULL;
}

/* Those whose time is over are not read: their files may be gone. */
static gboolean
load_keys(const RbSigningKeys *keys, GPtrArray *entries, gint64 now, Set *set, RbDiagnostics *problems)
{
    g_autofree char *path = g_build_filename(keys->dir, "keys.json", NULL);
    guint before = rb_diagnostics_count(problems);

    for (guint i = 0; i < entries->len; i++) {
        RbKeyEntry *entry = entries->pdata[i];
        g_autoptr(GError) why = NULL;
        RbSigningKey *key;
        if (entry->published_until != 0 && entry->published_until <= now)
            continue;
        key = load_key(keys, entry, &why);
        if (key == NULL) {
            rb_diagnostics_error(problems, path, entry->line, entry->column,
                                 "put its files back, or retire it: rolebridgectl keys retire KID",
                                 "the key '%s' cannot be used: %s", entry->kid, why->message);
            continue;
        }
        g_ptr_array_add(set->keys, key);
        entries->pdata[i] = NULL;
        g_ptr_array_add(set->entries, entry);
    }
    return rb_diagnostics_count(problems) == before;
}

/* (transfer full): changes whenever keys.json is replaced. */
static char *
look(const char *dir)
{
    g_autofree char *path = g_build_filename(dir, "keys.json", NULL);
    struct stat st;

    if (stat(path, &st) != 0)
        return g_strdup("");
    return g_strdup_printf("%lu:%lu %ld %ld.%ld", (gulong)st.st_dev, (gulong)st.st_ino, (glong)st.st_size,
                           (glong)st.st_mtim.tv_sec, (glong)st.st_mtim.tv_nsec);
}

gboolean
rb_signing_keys_reload(RbSigningKeys *keys, gint64 now, GError **error)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autofree char *seen = look(keys->dir), *line = NULL; /* before it is read: a change between is seen */
    g_autoptr(GPtrArray) entries = rb_key_entries_read(keys->dir, problems);
    g_autoptr(Set) set = set_new(), old = NULL;

    if (entries == NULL || !load_keys(keys, entries, now, set, problems)) {
        line = rb_diagnostics_to_line(problems);
        return rb_fault(error, RB_FAULT_KEYS, "%s", line);
    }
    g_mutex_lock(&keys->lock);
    old = keys->set;
    keys->set = g_steal_pointer(&set);
    g_free(keys->read);
    keys->read = g_steal_pointer(&seen);
    g_mutex_unlock(&keys->lock);
    return TRUE;
}

gboolean
rb_signing_keys_refresh(RbSigningKeys *keys, gint64 now, gboolean *changed, GError **error)
{
    g_autofree char *seen = look(keys->dir);

    g_mutex_lock(&keys->lock);
    *changed = g_strcmp0(seen, keys->read) != 0;
    g_mutex_unlock(&keys->lock);
    return !*changed || rb_signing_keys_reload(keys, now, error);
}

void
rb_signing_keys_setting_clear(RbSigningKeysSetting *setting)
{
    g_clear_pointer(&setting->dir, g_free);
    g_clear_pointer(&setting->pkcs11_module, g_free);
    g_clear_pointer(&setting->pkcs11_token, g_free);
    g_clear_pointer(&setting->pkcs11_pin, rb_secret_unref);
}

RbSigningKeys *
rb_signing_keys_new(const RbSigningKeysSetting *setting, GError **error)
{
    RbToken *token = NULL;
    RbSigningKeys *keys;

    if (!g_path_is_absolute(setting->dir)) {
        (void)rb_fault(error, RB_FAULT_KEYS, "the directory of the signing keys is not an absolute name");
        return NULL;
    }
    if (setting->pkcs11_module != NULL) {
        token = rb_token_new(setting->pkcs11_module, setting->pkcs11_token, setting->pkcs11_pin, error);
        if (token == NULL)
            return NULL;
    }
    keys = g_new0(RbSigningKeys, 1);
    keys->token = token;
    g_mutex_init(&keys->lock);
    keys->dir = g_strdup(setting->dir);
    keys->set = set_new();
    return keys;
}

void
rb_signing_keys_free(RbSigningKeys *keys)
{
    if (keys == NULL)
        return;
    set_unref(keys->set);
    rb_token_unref(keys->token); /* after the keys: whoever still holds one holds the token */
    g_free(keys->read);
    g_free(keys->dir);
    g_mutex_clear(&keys->lock);
    g_free(keys);
}

/* ---- using ---- */

static RbSigningKey *
key_of(const Set *set, const RbKeyEntry *entry)
{
    guint i;

    if (entry == NULL || !g_ptr_array_find(set->entries, entry, &i))
        return NULL;
    return rb_signing_key_ref(set->keys->pdata[i]);
}

RbSigningKey *
rb_signing_keys_current(RbSigningKeys *keys, RbKeyUse use, gint64 now, GError **error)
{
    g_autoptr(Set) set = set_of(keys);
    RbSigningKey *key = key_of(set, rb_key_entries_current(set->entries, use, now));

    if (key == NULL)
        (void)rb_fault(error, RB_FAULT_KEYS, "no key signs %ss; make one: rolebridgectl keys rotate --for %s",
                       rb_key_use_name(use), rb_key_use_name(use));
    return key;
}

RbSigningKey *
rb_signing_keys_next(RbSigningKeys *keys, RbKeyUse use, gint64 now)
{
    g_autoptr(Set) set = set_of(keys);

    return key_of(set, rb_key_entries_next(set->entries, use, now));
}

GPtrArray *
rb_signing_keys_published(RbSigningKeys *keys, RbKeyUse use, gint64 now)
{
    g_autoptr(Set) set = set_of(keys);
    GPtrArray *published = g_ptr_array_new_with_free_func((GDestroyNotify)rb_signing_key_unref);

    for (guint i = 0; i < set->keys->len; i++) {
        const RbKeyEntry *entry = set->entries->pdata[i];
        if (entry->use == use && rb_key_entry_published(entry, now))
            g_ptr_array_add(published, rb_signing_key_ref(set->keys->pdata[i]));
    }
    return published;
}

/* The one that signs comes first: Ceph's gateway (16.2) looks at no other, and the order means nothing else.
 */
json_t *
rb_signing_keys_jwks(RbSigningKeys *keys, gint64 now)
{
    g_autoptr(GPtrArray) published = rb_signing_keys_published(keys, RB_KEY_TOKEN, now);
    g_autoptr(RbSigningKey) current = rb_signing_keys_current(keys, RB_KEY_TOKEN, now, NULL);
    json_t *list = json_array();

    for (guint i = 0; i < published->len; i++) {
        const RbSigningKey *key = published->pdata[i];
        json_t *jwk = rb_certificate_jwk(key->certificate, key->kid, NULL);
        if (jwk == NULL)
            g_error("a certificate that was read has no key");
        if (current != NULL && g_str_equal(key->kid, current->kid))
            (void)json_array_insert_new(list, 0, jwk);
        else
            (void)json_array_append_new(list, jwk);
    }
    return json_pack("{s:o}", "keys", list);
}
