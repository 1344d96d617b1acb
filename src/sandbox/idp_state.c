#include "sandbox/idp_priv.h"

#include "base/file.h"
#include "base/refusal.h"

#include <string.h>

enum { MAX_METADATA = 512 * 1024 };

void
rb_box_person_free(RbBoxPerson *person)
{
    g_free(person->uid);
    g_free(person->name);
    g_free(person->mail);
    g_free(person->password);
    g_ptr_array_unref(person->attributes);
    g_strfreev(person->groups);
    g_free(person);
}

void
rb_box_pending_free(gpointer data)
{
    RbBoxPending *pending = data;

    g_free(pending->sp);
    g_free(pending->acs);
    g_free(pending->request_id);
    g_free(pending->relay_state);
    rb_box_openid_ask_free(pending->openid);
    g_free(pending);
}

RbBoxPending *
rb_box_pending_new(const char *sp, const char *acs, const char *relay_state, gint64 now)
{
    RbBoxPending *pending = g_new0(RbBoxPending, 1);

    pending->sp = g_strdup(sp);
    pending->acs = g_strdup(acs);
    pending->relay_state = g_strdup(relay_state);
    pending->until = now + RB_BOX_PENDING_S;
    return pending;
}

void
rb_box_sign_on_free(gpointer data)
{
    RbBoxSignOn *sign_on = data;

    g_free(sign_on->index);
    g_hash_table_unref(sign_on->sps);
    g_hash_table_unref(sign_on->clients);
    g_free(sign_on);
}

RbBoxIdp *
rb_box_idp_new(const RbBoxIdpSetting *setting)
{
    RbBoxIdp *idp = g_new0(RbBoxIdp, 1);

    idp->setting = *setting;
    idp->sso_url = g_strconcat(setting->public_url, "/idp/sso", NULL);
    idp->slo_url = g_strconcat(setting->public_url, "/idp/slo", NULL);
    idp->pending = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, rb_box_pending_free);
    idp->sign_ons = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, rb_box_sign_on_free);
    idp->codes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, rb_box_grant_free);
    idp->access_tokens = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, rb_box_grant_free);
    idp->outbox = g_ptr_array_new_with_free_func(rb_box_letter_free);
    idp->sps = g_ptr_array_new_with_free_func((GDestroyNotify)rb_box_sp_free);
    g_mutex_init(&idp->mutex);
    return idp;
}

void
rb_box_idp_free(RbBoxIdp *idp)
{
    if (idp == NULL)
        return;
    g_hash_table_unref(idp->pending);
    g_hash_table_unref(idp->sign_ons);
    g_hash_table_unref(idp->codes);
    g_hash_table_unref(idp->access_tokens);
    g_ptr_array_unref(idp->outbox);
    g_ptr_array_unref(idp->sps);
    g_mutex_clear(&idp->mutex);
    g_free(idp->sso_url);
    g_free(idp->slo_url);
    g_free(idp);
}

static GBytes *
fetch_metadata(RbBoxIdp *idp, const char *from, GError **error)
{
    g_autoptr(RbHttpRequest) request = NULL;
    g_autoptr(RbHttpResponse) response = NULL;

    if (!g_str_has_prefix(from, "https://"))
        return rb_file_read(from, MAX_METADATA, error);
    request = rb_http_request_new("GET", from);
    rb_http_request_limits(request, 2000, 5000, MAX_METADATA);
    response = idp->setting.http == NULL ? NULL : rb_http_fetch(idp->setting.http, request, error);
    if (response != NULL && response->status == 200)
        return g_bytes_ref(response->body);
    if (response != NULL)
        rb_fault(error, RB_FAULT_NETWORK, "%s answered %d", from, response->status);
    return NULL;
}

/* Reads every source again; one that fails is left out, and the last reason is reported. */
static void
load_sps(RbBoxIdp *idp, gint64 now, GError **error)
{
    g_ptr_array_set_size(idp->sps, 0);
    idp->loaded_at = now;
    for (guint i = 0; idp->setting.sp_metadata[i] != NULL; i++) {
        g_autoptr(GError) problem = NULL;
        g_autoptr(GBytes) bytes = fetch_metadata(idp, idp->setting.sp_metadata[i], &problem);
        RbBoxSp *sp = bytes == NULL
                          ? NULL
                          : rb_box_sp_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &problem);

        if (sp != NULL) {
            g_ptr_array_add(idp->sps, sp);
        } else if (error != NULL) {
            g_clear_error(error);
            g_propagate_error(error, g_steal_pointer(&problem));
        }
    }
}

static const RbBoxSp *
find_sp(const RbBoxIdp *idp, const char *entity_id)
{
    for (guint i = 0; i < idp->sps->len; i++) {
        const RbBoxSp *sp = idp->sps->pdata[i];

        if (strcmp(sp->entity_id, entity_id) == 0)
            return sp;
    }
    return NULL;
}

const RbBoxSp *
rb_box_idp_sp(RbBoxIdp *idp, const char *entity_id, gint64 now, GError **error)
{
    g_autoptr(GError) problem = NULL;
    const RbBoxSp *sp = now - idp->loaded_at < RB_BOX_METADATA_S ? find_sp(idp, entity_id) : NULL;

    if (sp == NULL) {
        load_sps(idp, now, &problem);
        sp = find_sp(idp, entity_id);
    }
    if (sp == NULL)
        rb_refuse(error, RB_REQUEST_MALFORMED, "no service provider '%s' is known here%s%s", entity_id,
                  problem == NULL ? "" : ": ", problem == NULL ? "" : problem->message);
    return sp;
}

gboolean
rb_box_idp_signed_by(RbBoxIdp *idp, const char *query, const char *entity_id, gint64 now, GError **error)
{
    const RbBoxSp *sp = rb_box_idp_sp(idp, entity_id, now, error);

    if (sp == NULL)
        return FALSE;
    if (rb_box_redirect_check(query, sp, NULL))
        return TRUE;
    if (now > idp->loaded_at)
        load_sps(idp, now, NULL);
    sp = find_sp(idp, entity_id);
    return sp != NULL
               ? rb_box_redirect_check(query, sp, error)
               : rb_refuse(error, RB_REQUEST_MALFORMED, "no service provider '%s' is known here", entity_id);
}

const RbBoxPerson *
rb_box_idp_person(const RbBoxIdp *idp, const char *uid)
{
    for (guint i = 0; i < idp->setting.people->len; i++) {
        const RbBoxPerson *person = idp->setting.people->pdata[i];

        if (strcmp(person->uid, uid) == 0)
            return person;
    }
    return NULL;
}

RbBoxSignOn *
rb_box_idp_sign_on(RbBoxIdp *idp, const RbBoxRequest *request, gint64 now)
{
    g_autofree char *cookie = rb_box_request_cookie(request, RB_BOX_COOKIE);
    RbBoxSignOn *sign_on = cookie == NULL ? NULL : g_hash_table_lookup(idp->sign_ons, cookie);

    return sign_on != NULL && now < sign_on->until ? sign_on : NULL;
}

GStrv
rb_box_idp_entity_ids(RbBoxIdp *idp)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

    g_mutex_lock(&idp->mutex);
    for (guint i = 0; i < idp->sps->len; i++)
        g_strv_builder_add(builder, ((const RbBoxSp *)idp->sps->pdata[i])->entity_id);
    g_mutex_unlock(&idp->mutex);
    return g_strv_builder_end(builder);
}
