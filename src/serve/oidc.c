#include "serve/fields.h"
#include "serve/priv.h"

/* The OpenID Connect relying party's addresses. What arrives is handed on as received; verify/ judges it. */

RbAnswer *
rb_handle_oidc_login(RbRequest *request, GError **error)
{
    return rb_provider_of(request, "oidc", error) != NULL
               ? rb_begin_sign_in(request, request->captured[0], error)
               : NULL;
}

RbAnswer *
rb_handle_oidc_callback(RbRequest *request, GError **error)
{
    return rb_provider_of(request, "oidc", error) != NULL ? rb_finish_sign_in(request, error) : NULL;
}

static char *
pass_on(RbRequest *request, GError **error)
{
    RbInbound inbound;

    if (rb_provider_of(request, "oidc", error) == NULL || !rb_request_inbound(request, &inbound, error))
        return NULL;
    return rb_access_logout_message(request->site->access, rb_request_visit(request), request->captured[0],
                                    &inbound, error);
}

/* Back from the issuer, where somebody who signed out here signed out too. */
RbAnswer *
rb_handle_oidc_logout(RbRequest *request, GError **error)
{
    g_autofree char *url = pass_on(request, error);

    return url == NULL ? NULL : rb_answer_redirect(303, url);
}

/* Back-Channel Logout 2.8: 200, or 400 for whatever is wrong with the token; a fault of ours stays one, so
 * that the issuer may try again. */
RbAnswer *
rb_handle_oidc_backchannel(RbRequest *request, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autofree char *url = pass_on(request, &why);
    RbAnswer *answer;

    if (url != NULL)
        return rb_answer_json(200, json_object());
    if (why->domain != RB_REFUSAL || rb_is_refusal(why, RB_SIGN_IN_NO_PROVIDER)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    answer = rb_answer_error(request, why, TRUE);
    answer->status = 400;
    return answer;
}
