#include "serve/priv.h"

#include <string.h>

/* rolebridge as the identity provider of AWS accounts: what anybody may fetch of it. */

static RbAnswer *
published(json_t *json, GError **error)
{
    RbAnswer *answer;

    if (json == NULL) {
        (void)rb_refuse(error, RB_REQUEST_NOT_FOUND, "rolebridge.yaml has no 'issuer'");
        return NULL;
    }
    answer = rb_answer_json(200, json);
    answer->caching = RB_CACHE_PUBLISHED;
    return answer;
}

RbAnswer *
rb_handle_discovery(RbRequest *request, GError **error)
{
    return published(rb_issuer_discovery(rb_access_issuer(request->site->access)), error);
}

RbAnswer *
rb_handle_jwks(RbRequest *request, GError **error)
{
    RbIssuer *issuer = rb_access_issuer(request->site->access);

    return published(rb_issuer_jwks(issuer, rb_request_visit(request)->now), error);
}

RbAnswer *
rb_handle_issuer_metadata(RbRequest *request, GError **error)
{
    RbIssuer *issuer = rb_access_issuer(request->site->access);
    g_autofree char *xml = rb_issuer_metadata(issuer, rb_request_visit(request)->now, error);
    RbAnswer *answer;

    if (xml == NULL)
        return NULL;
    answer = rb_answer_new(200);
    answer->caching = RB_CACHE_PUBLISHED;
    rb_answer_body(answer, "application/samlmetadata+xml; charset=utf-8", xml, strlen(xml));
    return answer;
}
