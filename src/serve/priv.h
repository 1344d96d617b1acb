#ifndef RB_SERVE_PRIV_H
#define RB_SERVE_PRIV_H

#include "base/refusal.h"
#include "serve/network.h"
#include "serve/page.h"
#include "serve/rate.h"
#include "serve/serve.h"

#include <glib.h>
#include <jansson.h>

/* What the files of this room share: a request, an answer, a route. */

enum {
    RB_TARGET_MAX = 8 * 1024,         /* bytes of the request target */
    RB_BODY_SMALL = 16 * 1024,        /* most bodies */
    RB_BODY_SAML = 1536 * 1024,       /* a SAML message with many groups */
    RB_BODY_TOKEN = 300 * 1024,       /* a logout token, as large as any token may be */
    RB_HEADERS_MAX = 100,             /* lines */
    RB_CONNECTION_MEMORY = 16 * 1024, /* request line and headers must fit; cleared for each request */
    RB_ROUTE_CAPTURES = 1,
};

/* ---- answers ---- */

typedef enum {
    RB_CACHE_NEVER = 0, /* no-store: what is a person's */
    RB_CACHE_ASSET,     /* an hour */
    RB_CACHE_PUBLISHED, /* an hour: AWS keeps keys as long as it is told, and asks for each token when told
                           not to */
} RbCaching;

typedef struct {
    guint status;
    const char *content_type; /* static; NULL without a body */
    RbSecret *body;           /* wiped when sent: pages and JSON may hold what only the person may see */
    RbCaching caching;
    char *form_action;  /* a page: where its forms may lead besides this site, as CSP sources; or NULL */
    gboolean script;    /* a page: it has one of our scripts */
    GPtrArray *headers; /* of RbHeader */
} RbAnswer;

typedef struct {
    const char *name; /* static */
    char *value;      /* wiped when freed: cookies and codes travel here */
} RbHeader;

RbAnswer *rb_answer_new(guint status);
void rb_answer_free(RbAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbAnswer, rb_answer_free)

/** rb_answer_header: takes @value over. A value with anything but visible ASCII and spaces is left out and
 * turns the answer into a 500: no header can be split. */
void rb_answer_header(RbAnswer *answer, const char *name, char *value);
/** rb_answer_body: copies @size bytes. @content_type: static. */
void rb_answer_body(RbAnswer *answer, const char *content_type, const void *bytes, gsize size);
/** rb_answer_json: takes @json over, and wipes its strings: credentials and tokens pass here. */
RbAnswer *rb_answer_json(guint status, json_t *json);
/** rb_answer_redirect: @status 302 or 303; @location is copied. */
RbAnswer *rb_answer_redirect(guint status, const char *location);
/** rb_answer_cookie: sets, or with @value NULL clears, a cookie that scripts cannot read.
 * @cross_site: sent with a POST from another site too (the answer of an IdP). */
typedef struct RbSite RbSite;
void rb_answer_cookie(RbAnswer *answer, const RbSite *site, const char *name, const char *value,
                      gint64 max_age_s, gboolean cross_site);

/* ---- what stays the same for all requests ---- */

typedef struct {
    gint requests, refused, busy, open; /* atomic */
} RbServeCounts;

struct RbSite {
    RbAccess *access; /* borrowed */
    RbPages *pages;
    char *url;            /* public_url */
    char *origin;         /* scheme://host[:port], as browsers write it */
    char *host;           /* what the Host header must say */
    char *host_with_port; /* or this */
    gboolean secure;      /* https */
    char *sso_start_url;
    GArray *proxies, *metrics_from;
    RbRate *rate;
    RbServeCounts counts;
};
/** rb_site_set_url: TRUE, or FALSE with request.malformed: not http(s)://host[:port] without a path. */
gboolean rb_site_set_url(RbSite *site, const char *url, GError **error);
/** rb_site_cookie_name: (transfer full): "__Host-rolebridge_session" over TLS, without the prefix in clear.
 */
char *rb_site_cookie_name(const RbSite *site, const char *name);

/* ---- requests ---- */

typedef struct RbRoute RbRoute;

typedef enum {
    RB_SPEAKS_PAGES, /* HTML, or JSON by Accept */
    RB_SPEAKS_JSON,  /* /api/v1 */
    RB_SPEAKS_OIDC,  /* sso-oidc errors, reference §5.5 */
    RB_SPEAKS_SSO,   /* sso portal errors */
    RB_SPEAKS_STS,   /* STS's XML, reference §1.6 */
} RbSpeech;

typedef enum { RB_SEEN_OTHER, RB_SEEN_GET, RB_SEEN_HEAD, RB_SEEN_POST } RbMethod;

typedef struct {
    RbSite *site;
    RbMethod method;
    char *target;      /* as sent */
    char *path;        /* decoded */
    char *raw_query;   /* as sent, without '?'; NULL: none */
    GHashTable *query; /* name → value; NULL: no query was sent */
    GHashTable *form;  /* POST form, else NULL */
    json_t *json;      /* POST JSON object, else NULL */
    char *host, *cookie, *origin, *fetch_site, *fetch_mode, *accept, *content_type, *user_agent,
        *forwarded_for;
    char *authorization, *bearer; /* x-amz-sso_bearer_token */
    gint64 content_length;        /* -1: not said */
    gboolean chunked;
    guint n_headers;
    GByteArray *body;
    const RbRoute *route;
    RbSpeech speech; /* the route's; POST /logout speaks as the one who asks */
    char *captured[RB_ROUTE_CAPTURES];
    RbAddress client;
    char *source_ip;
    char incident[16];
    gboolean visited;
    RbVisit visit;
} RbRequest;

RbRequest *rb_request_new(RbSite *site, const char *target);
void rb_request_free(RbRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbRequest, rb_request_free)

/** rb_request_header: takes one header line note of. Repeated where only one can be meant: request.malformed.
 */
gboolean rb_request_header(RbRequest *request, const char *name, const char *value, GError **error);
/** rb_request_read_head: after all headers: target, route, method, host, sizes, client address, rate. */
gboolean rb_request_read_head(RbRequest *request, const char *method, const RbAddress *peer, GError **error);
/** rb_request_read_body: after the last byte: form or JSON, as the content type says. */
gboolean rb_request_read_body(RbRequest *request, GError **error);
/** rb_request_visit: who is asking, with now and incident id from its first use on. */
const RbVisit *rb_request_visit(RbRequest *request);

/** rb_request_text: the value of a POST body's member, by its JSON or its form name; of a GET, the query's.
 * Missing or JSON null: NULL. A JSON value of another type: sso.invalid_request. */
gboolean rb_request_text(const RbRequest *request, const char *json_name, const char *form_name,
                         const char **value, GError **error);
/** rb_request_need: the same, where without it the request means nothing: request.malformed. Query or form.
 */
const char *rb_request_need(const RbRequest *request, const char *name, GError **error);
const char *rb_request_query(const RbRequest *request, const char *name);

/** rb_request_session: the browser's session by its cookie; NULL with session.missing or .expired. */
RbSession *rb_request_session(RbRequest *request, GError **error);
/** rb_request_token: the session of x-amz-sso_bearer_token or "Authorization: Bearer". */
RbSession *rb_request_token(RbRequest *request, GError **error);
/** rb_request_check_form: a form of ours, sent by our own page: where it came from, and its csrf field. */
gboolean rb_request_check_form(const RbRequest *request, const RbSession *session, GError **error);
/** rb_request_check_origin: the browser says that no other site made this request. */
gboolean rb_request_check_origin(const RbRequest *request, GError **error);

/* ---- routes ---- */

typedef enum {
    RB_WORK_INLINE,   /* on the loop thread: never blocks */
    RB_WORK_QUICK,    /* store, CPU */
    RB_WORK_UPSTREAM, /* may wait for STS or an IdP */
} RbWork;

enum {
    RB_ROUTE_HEAD = 1 << 0,     /* HEAD is answered as GET */
    RB_ROUTE_ANY_HOST = 1 << 1, /* probes ask by address */
    RB_ROUTE_RATED = 1 << 2,    /* counts against the sender's allowance */
    RB_ROUTE_CONSTANT = 1 << 3, /* inline, and the answer is always the same: made once; one such route */
};

/** (transfer full): the answer, or NULL with *error set. */
typedef RbAnswer *(*RbHandler)(RbRequest *request, GError **error);

struct RbRoute {
    RbMethod method;
    const char *pattern; /* "/saml/{}/acs": {} stands for one segment */
    RbWork work;
    RbSpeech speech;
    gsize body_max; /* 0: no body */
    guint flags;
    RbHandler handle;
};

/** rb_route_find: the route for @path and @method; captures into @request. NULL with request.not_found or
 * request.method. */
const RbRoute *rb_route_find(RbRequest *request, GError **error);
/** rb_route_allow: (transfer full): "GET, HEAD" for a path that is known, else NULL. */
char *rb_route_allow(const char *path);
/** rb_route_run: the handler's answer, or the error in the route's own way of speaking. Never NULL. */
RbAnswer *rb_route_run(RbRequest *request);

/** rb_answer_error: @error as the request's route speaks; audited through access/ unless it is noise. */
RbAnswer *rb_answer_error(RbRequest *request, const GError *error, gboolean audited);
/** rb_aws_error: the sso-oidc or sso form of @error. */
RbAnswer *rb_aws_error(RbSpeech speech, const GError *error, const char *incident);

/** rb_sts_error: the STS form of @error (sts.c). */
RbAnswer *rb_sts_error(const GError *error, const char *incident);

/* ---- pages ---- */

/** rb_answer_page: page @name of assets/pages.xsl with @data (transfer full). @session NULL: nobody is signed
 * in. */
RbAnswer *rb_answer_page(RbRequest *request, guint status, const char *name, json_t *data,
                         const RbSession *session, GError **error);
/** rb_sign_in_first: where to send somebody who must sign in: back to @next afterwards. */
RbAnswer *rb_sign_in_first(RbRequest *request, const char *next);

/** rb_portal_session: the browser's session; NULL with @instead (a way to sign in and come back) or *error.
 */
RbSession *rb_portal_session(RbRequest *request, RbAnswer **instead, GError **error);

/* ---- handlers, by file ---- */
RbAnswer *rb_handle_home(RbRequest *request, GError **error); /* portal.c */
RbAnswer *rb_handle_login(RbRequest *request, GError **error);
RbAnswer *rb_handle_logout(RbRequest *request, GError **error);
RbAnswer *rb_handle_signed_out(RbRequest *request, GError **error);
RbAnswer *rb_handle_console(RbRequest *request, GError **error);
RbAnswer *rb_handle_start_head(RbRequest *request, GError **error);
RbAnswer *rb_handle_home_head(RbRequest *request, GError **error);
RbAnswer *rb_handle_asset(RbRequest *request, GError **error);
RbAnswer *rb_handle_device_page(RbRequest *request, GError **error); /* consent.c */
RbAnswer *rb_handle_device_answer(RbRequest *request, GError **error);
RbAnswer *rb_handle_authorize_page(RbRequest *request, GError **error);
RbAnswer *rb_handle_authorize_answer(RbRequest *request, GError **error);
RbAnswer *rb_handle_saml_metadata(RbRequest *request, GError **error); /* saml.c */
RbAnswer *rb_handle_saml_login(RbRequest *request, GError **error);
RbAnswer *rb_handle_saml_acs(RbRequest *request, GError **error);
RbAnswer *rb_handle_saml_slo(RbRequest *request, GError **error);
RbAnswer *rb_handle_discovery(RbRequest *request, GError **error); /* issuer.c */
RbAnswer *rb_handle_jwks(RbRequest *request, GError **error);
RbAnswer *rb_handle_issuer_metadata(RbRequest *request, GError **error);
RbAnswer *rb_handle_register(RbRequest *request, GError **error); /* sso_oidc.c */
RbAnswer *rb_handle_device_start(RbRequest *request, GError **error);
RbAnswer *rb_handle_token(RbRequest *request, GError **error);
RbAnswer *rb_handle_role_credentials(RbRequest *request, GError **error); /* sso.c */
RbAnswer *rb_handle_accounts(RbRequest *request, GError **error);
RbAnswer *rb_handle_account_roles(RbRequest *request, GError **error);
RbAnswer *rb_handle_token_logout(RbRequest *request, GError **error);
RbAnswer *rb_handle_sts(RbRequest *request, GError **error);    /* sts.c */
RbAnswer *rb_handle_whoami(RbRequest *request, GError **error); /* api.c */
RbAnswer *rb_handle_roles(RbRequest *request, GError **error);
RbAnswer *rb_handle_credentials(RbRequest *request, GError **error);
RbAnswer *rb_handle_healthz(RbRequest *request, GError **error); /* operations.c */
RbAnswer *rb_handle_readyz(RbRequest *request, GError **error);
RbAnswer *rb_handle_metrics(RbRequest *request, GError **error);

RbAnswer *rb_handle_oidc_login(RbRequest *request, GError **error); /* oidc.c */
RbAnswer *rb_handle_oidc_callback(RbRequest *request, GError **error);
RbAnswer *rb_handle_oidc_logout(RbRequest *request, GError **error);
RbAnswer *rb_handle_oidc_backchannel(RbRequest *request, GError **error);

/** rb_provider_of: the provider of the path, when it is of @type; NULL with signin.no_provider. */
RbProvider *rb_provider_of(RbRequest *request, const char *type, GError **error);
/** rb_request_inbound: form or query as received, borrowed. */
gboolean rb_request_inbound(const RbRequest *request, RbInbound *inbound, GError **error);
/** rb_finish_sign_in: the IdP's answer → signed in, with the session's cookie. */
RbAnswer *rb_finish_sign_in(RbRequest *request, GError **error);
/** rb_access_begin's answer as a redirect with its cookie: /login and /saml/{idp}/login. */
RbAnswer *rb_begin_sign_in(RbRequest *request, const char *provider, GError **error);

#define RB_COOKIE_SESSION "rolebridge_session"
#define RB_COOKIE_SIGN_IN "rolebridge_signin"

#endif
