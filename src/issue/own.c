#include "base/encoding.h"
#include "base/refusal.h"
#include "iam/access_key.h"
#include "issue/priv.h"

#include <pthread.h>

/* The service's own credentials: one thread fetches, the others use what there is, or wait for it. */
struct RbOwn {
    RbIssuer *issuer;
    pthread_mutex_t lock;
    pthread_cond_t fetched;
    gboolean fetching;
    RbCredentials *current; /* NULL: none yet */
    char *source;
    gint64 fetched_at, failed_at; /* failed_at 0: the last try went well */
    gboolean distrusted;
    GError *failure;
};

RbOwn *
rb_own_new(RbIssuer *issuer)
{
    RbOwn *own = g_new0(RbOwn, 1);

    own->issuer = issuer;
    (void)pthread_mutex_init(&own->lock, NULL);
    (void)pthread_cond_init(&own->fetched, NULL);
    return own;
}

void
rb_own_free(RbOwn *own)
{
    if (own == NULL)
        return;
    rb_credentials_unref(own->current);
    g_free(own->source);
    g_clear_error(&own->failure);
    (void)pthread_mutex_destroy(&own->lock);
    (void)pthread_cond_destroy(&own->fetched);
    g_free(own);
}

/* Good for a call that begins now. */
static gboolean
is_usable(const RbOwn *own, gint64 now)
{
    return own->current != NULL && (own->current->expiration == 0 || own->current->expiration > now);
}

static gboolean
is_due(const RbOwn *own, gint64 now, gint64 ahead_s)
{
    if (own->current == NULL || own->distrusted)
        return TRUE;
    if (own->current->expiration == 0)
        return ahead_s == RB_OWN_AHEAD_S && now - own->fetched_at >= RB_OWN_REREAD_S;
    return own->current->expiration - now < ahead_s;
}

/* With the lock held; gives it up while the source is asked. */
static void
fetch(RbOwn *own, gint64 now)
{
    g_autofree char *source = NULL;
    g_autoptr(GError) failure = NULL;
    RbCredentials *fresh;

    own->fetching = TRUE;
    pthread_mutex_unlock(&own->lock);
    fresh = rb_own_fetch(own->issuer, now, &source, &failure);
    pthread_mutex_lock(&own->lock);
    own->fetching = FALSE;
    g_clear_error(&own->failure);
    if (fresh != NULL) {
        rb_credentials_unref(own->current);
        own->current = fresh;
        g_free(own->source);
        own->source = g_steal_pointer(&source);
        own->fetched_at = now;
        own->failed_at = 0;
        own->distrusted = FALSE;
    } else { /* the old ones serve until they end */
        own->failure = g_steal_pointer(&failure);
        own->failed_at = now;
    }
    pthread_cond_broadcast(&own->fetched);
}

/* Whether the last failure is so recent that asking again would only add to the load. */
static gboolean
is_resting(const RbOwn *own, gint64 now)
{
    return own->failed_at != 0 && now >= own->failed_at && now - own->failed_at < RB_OWN_RETRY_S;
}

static RbCredentials *
take(RbOwn *own, gint64 now, gint64 ahead_s, GError **error)
{
    RbCredentials *got = NULL;

    pthread_mutex_lock(&own->lock);
    while (own->fetching && !(is_usable(own, now) && !own->distrusted))
        pthread_cond_wait(&own->fetched, &own->lock);
    if (is_due(own, now, ahead_s) && !own->fetching && !is_resting(own, now))
        fetch(own, now);
    if (is_usable(own, now))
        got = rb_credentials_ref(own->current);
    else if (own->failure != NULL)
        g_propagate_error(error, g_error_copy(own->failure));
    else
        (void)rb_fault(error, RB_FAULT_STS_CREDENTIALS, "the bridge's own credentials have expired");
    pthread_mutex_unlock(&own->lock);
    return got;
}

RbCredentials *
rb_own_get(RbOwn *own, gint64 now, GError **error)
{
    return take(own, now, RB_OWN_DEMAND_S, error);
}

void
rb_own_distrust(RbOwn *own, const RbCredentials *credentials)
{
    pthread_mutex_lock(&own->lock);
    own->distrusted = own->distrusted || own->current == credentials;
    pthread_mutex_unlock(&own->lock);
}

gint64
rb_own_refresh(RbOwn *own, gint64 now, GError **error)
{
    g_autoptr(RbCredentials) credentials = take(own, now, RB_OWN_AHEAD_S, error);
    gint64 next = now + 30;

    pthread_mutex_lock(&own->lock);
    if (credentials != NULL && own->failed_at != 0 && error != NULL && own->failure != NULL)
        *error = g_error_copy(own->failure); /* worth a warning, though the old ones still serve */
    else if (credentials != NULL && credentials->expiration == 0)
        next = now + RB_OWN_REREAD_S;
    else if (credentials != NULL)
        next = MAX(next, credentials->expiration - RB_OWN_AHEAD_S + 1);
    pthread_mutex_unlock(&own->lock);
    return next;
}

/* AWS's keys say so by their names; those of other STS servers by having neither a token nor an end. */
static gboolean
is_long_lived(const RbCredentials *credentials)
{
    return rb_access_key_long_lived(credentials->access_key_id) ||
           (credentials->session_token == NULL && credentials->expiration == 0);
}

static const char *
warning_of(const RbCredentials *credentials)
{
    if (is_long_lived(credentials))
        return "the bridge signs with a long-lived key of an IAM user; give it a role instead "
               "(docs/aws-credentials.md)";
    return NULL;
}

json_t *
rb_own_status(RbOwn *own, gint64 now)
{
    json_t *status = json_object();
    char account[13];

    pthread_mutex_lock(&own->lock);
    (void)json_object_set_new(status, "state",
                              json_string(is_usable(own, now)    ? "ready"
                                          : own->current != NULL ? "expired"
                                                                 : "none"));
    if (own->current != NULL) {
        const RbCredentials *c = own->current;
        g_autofree char *until = c->expiration != 0 ? rb_time_format(c->expiration) : NULL;
        const char *warning = warning_of(c);
        (void)json_object_set_new(status, "source", json_string(own->source));
        (void)json_object_set_new(status, "access_key_id", json_string(c->access_key_id));
        if (rb_access_key_account(c->access_key_id, account))
            (void)json_object_set_new(status, "account_hint", json_string(account));
        (void)json_object_set_new(status, "expiration", until != NULL ? json_string(until) : json_null());
        (void)json_object_set_new(status, "long_lived", json_boolean(is_long_lived(c)));
        if (warning != NULL)
            (void)json_object_set_new(status, "warning", json_string(warning));
    }
    if (own->failure != NULL)
        (void)json_object_set_new(status, "last_error", json_string(own->failure->message));
    pthread_mutex_unlock(&own->lock);
    return status;
}
