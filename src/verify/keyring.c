#include "base/encoding.h"
#include "base/file.h"
#include "base/refusal.h"
#include "verify/priv.h"

#include <string.h>

struct RbKeyring {
    RbKeyringSetting setting;
    char *source;
    GMutex refreshing; /* one reader of the source at a time; guards renewed_at */
    gint64 renewed_at;
    gint renewing; /* threads in rb_keyring_renew(); atomic */
    GMutex lock;   /* guards what follows */
    gpointer value;
    gint64 refreshed_at, next_at;
    char *failure; /* of the last try; NULL: it went well */
};

RbKeyring *
rb_keyring_new(const RbKeyringSetting *setting)
{
    RbKeyring *keyring = g_new0(RbKeyring, 1);

    keyring->setting = *setting;
    keyring->renewed_at = -RB_KEYRING_RETRY_S;
    keyring->source = g_strdup(setting->source);
    g_mutex_init(&keyring->lock);
    g_mutex_init(&keyring->refreshing);
    return keyring;
}

void
rb_keyring_free(RbKeyring *keyring)
{
    if (keyring == NULL)
        return;
    if (keyring->value != NULL)
        g_atomic_rc_box_release_full(keyring->value, keyring->setting.clear);
    g_mutex_clear(&keyring->lock);
    g_mutex_clear(&keyring->refreshing);
    g_free(keyring->source);
    g_free(keyring->failure);
    g_free(keyring);
}

gboolean
rb_keyring_is_remote(const RbKeyring *keyring)
{
    return g_str_has_prefix(keyring->source, "https://") || g_str_has_prefix(keyring->source, "http://");
}

static GBytes *
read_source(const RbKeyring *keyring, GError **error)
{
    g_autoptr(RbHttpRequest) request = NULL;
    g_autoptr(RbHttpResponse) response = NULL;

    if (!rb_keyring_is_remote(keyring))
        return rb_file_read(keyring->source, keyring->setting.max_size, error);
    if (keyring->setting.http == NULL) {
        (void)rb_fault(error, RB_FAULT_NETWORK, "nothing is fetched here");
        return NULL;
    }
    request = rb_http_request_new("GET", keyring->source);
    rb_http_request_limits(request, 3000, 15000, keyring->setting.max_size);
    response = rb_http_fetch(keyring->setting.http, request, error);
    if (response == NULL)
        return NULL;
    if (response->status != 200) {
        g_autofree char *quoted = rb_text_quote(keyring->source);
        (void)rb_fault(error, RB_FAULT_NETWORK, "%s answered with HTTP status %d", quoted, response->status);
        return NULL;
    }
    return g_bytes_ref(response->body);
}

/* Takes @value over: NULL after a failure, which keeps the old value. */
static void
settle(RbKeyring *keyring, gpointer value, gint64 now, gint64 next_at, const GError *failure)
{
    gpointer old = NULL;

    g_mutex_lock(&keyring->lock);
    if (value != NULL) {
        old = keyring->value;
        keyring->value = value;
        keyring->refreshed_at = now;
    }
    g_clear_pointer(&keyring->failure, g_free);
    if (failure != NULL)
        keyring->failure = g_strdup(failure->message);
    keyring->next_at = next_at;
    g_mutex_unlock(&keyring->lock);
    if (old != NULL)
        g_atomic_rc_box_release_full(old, keyring->setting.clear);
}

static gboolean
load_locked(RbKeyring *keyring, gint64 now, GError **error)
{
    gint64 refresh_s = rb_keyring_is_remote(keyring) ? keyring->setting.refresh_s : RB_KEYRING_FILE_S;
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) bytes = read_source(keyring, &failure);
    gpointer value = bytes == NULL
                         ? NULL
                         : keyring->setting.parse(keyring->setting.owner, bytes, now, &refresh_s, &failure);

    settle(keyring, value, now, now + (value != NULL ? refresh_s : MIN(refresh_s, RB_KEYRING_RETRY_S)),
           failure);
    if (value == NULL)
        g_propagate_error(error, g_steal_pointer(&failure));
    return value != NULL;
}

gboolean
rb_keyring_load(RbKeyring *keyring, gint64 now, GError **error)
{
    gboolean ok;

    g_mutex_lock(&keyring->refreshing);
    ok = load_locked(keyring, now, error);
    g_mutex_unlock(&keyring->refreshing);
    return ok;
}

static gint64
next_at(RbKeyring *keyring)
{
    gint64 at;

    g_mutex_lock(&keyring->lock);
    at = keyring->next_at;
    g_mutex_unlock(&keyring->lock);
    return at;
}

gint64
rb_keyring_refresh(RbKeyring *keyring, gint64 now, GError **error)
{
    g_mutex_lock(&keyring->refreshing);
    if (now >= next_at(keyring))
        (void)load_locked(keyring, now, error); /* reported through @error and status; the old keys stay */
    g_mutex_unlock(&keyring->refreshing);
    return next_at(keyring);
}

static gboolean
has_other(RbKeyring *keyring, gconstpointer seen)
{
    gboolean other;

    g_mutex_lock(&keyring->lock);
    other = keyring->value != NULL && keyring->value != seen;
    g_mutex_unlock(&keyring->lock);
    return other;
}

static RbRenewed
renew(RbKeyring *keyring, gconstpointer seen, gint64 now)
{
    RbRenewed renewed;

    g_mutex_lock(&keyring->refreshing);
    if (!has_other(keyring, seen) && now >= keyring->renewed_at + RB_KEYRING_RETRY_S) {
        keyring->renewed_at = now;
        (void)load_locked(keyring, now, NULL); /* kept for the status; the old keys stay */
    }
    renewed = has_other(keyring, seen) ? RB_RENEWED : RB_RENEWED_NOTHING;
    g_mutex_unlock(&keyring->refreshing);
    return renewed;
}

/* Whoever waited for another thread's reading takes what it brought; a token with an invented key id costs
 * the issuer one request a minute, however many are sent. Only a few wait: while a slow issuer is asked, a
 * crowd of such tokens would hold every thread that those with good tokens need. */
RbRenewed
rb_keyring_renew(RbKeyring *keyring, gconstpointer seen, gint64 now)
{
    RbRenewed renewed = RB_RENEWED_BUSY;

    if (g_atomic_int_add(&keyring->renewing, 1) < RB_KEYRING_RENEWING_MAX)
        renewed = renew(keyring, seen, now);
    (void)g_atomic_int_add(&keyring->renewing, -1);
    return renewed;
}

void
rb_keyring_hurry(RbKeyring *keyring)
{
    g_mutex_lock(&keyring->lock);
    keyring->next_at = 0;
    g_mutex_unlock(&keyring->lock);
}

gpointer
rb_keyring_get(RbKeyring *keyring)
{
    gpointer value;

    g_mutex_lock(&keyring->lock);
    value = keyring->value == NULL ? NULL : g_atomic_rc_box_acquire(keyring->value);
    g_mutex_unlock(&keyring->lock);
    return value;
}

void
rb_keyring_status(RbKeyring *keyring, json_t *status)
{
    g_mutex_lock(&keyring->lock);
    (void)json_object_set_new(status, "source", json_string(keyring->source));
    (void)json_object_set_new(status, "refreshed_at", json_integer(keyring->refreshed_at));
    (void)json_object_set_new(status, "next_at", json_integer(keyring->next_at));
    (void)json_object_set_new(status, "failure",
                              keyring->failure == NULL ? json_null() : json_string(keyring->failure));
    g_mutex_unlock(&keyring->lock);
}
