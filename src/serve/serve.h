#ifndef RB_SERVE_SERVE_H
#define RB_SERVE_SERVE_H

#include "access/access.h"
#include "base/secret.h"

#include <glib.h>

/*
 * HTTP: routes, pages, AWS-compatible endpoints. Thin: parse → call access/ → render. The loop threads only
 * read requests and write answers; handlers run on bounded pools of workers, so that a slow STS never delays
 * a page.
 */
typedef struct RbServer RbServer;

/** Bounds; 0 stands for the default in brackets. */
typedef struct {
    guint connections;        /* open at once [4096] */
    guint connections_per_ip; /* of one address, trusted proxies excepted [256] */
    guint read_s;             /* to send a whole request head, then its whole body; also idle [30] */
    guint write_s;            /* to take a whole answer [60] */
    guint queue;              /* requests waiting for a worker, each pool; more: fault.busy [1024] */
    guint drain_s;            /* for requests under way when the server ends [10] */
    guint rate_per_s;         /* sign-ins, tokens and the like of one address [50] */
    guint rate_burst;         /* and so many at once [500] */
} RbServeLimits;

typedef struct {
    const char *const *listen;          /* "0.0.0.0:8443", "[::1]:0"; NULL-terminated, at least one */
    GBytes *tls_certificate;            /* PEM, leaf first; NULL: clear text (loopback or behind a proxy) */
    const RbSecret *tls_key;            /* PEM */
    const char *const *trusted_proxies; /* "10.0.0.0/8": X-Forwarded-For counts only from these; NULL: none */
    const char *const *metrics_from;    /* who may read /metrics, as networks; NULL: loopback only */
    const char *sso_start_url; /* "https://acme.awsapps.com/start": what HEAD /start answers; or NULL */
    guint workers_quick;       /* sessions, pages, lists [4] */
    guint workers_upstream;    /* whatever may call STS or an IdP [32] */
    guint loops;               /* threads that read and write [1] */
    RbServeLimits limits;
} RbServeSetting;

/** rb_serve_check: every address, network, URL, and that key and certificate belong together; opens nothing.
 * Returns: TRUE, or FALSE with fault.file (certificate, key) or request.malformed naming the text */
gboolean rb_serve_check(const RbServeSetting *setting, GError **error);

/**
 * rb_server_new: listens and serves @access (borrowed; must outlive the server) from its own threads. Copies
 * @setting. Returns: (transfer full): the server, or NULL with fault.network (an address cannot be listened
 * on) or what rb_serve_check says
 */
RbServer *rb_server_new(const RbServeSetting *setting, RbAccess *access, GError **error);

/** rb_server_port: the port of listen address @i: what ":0" became. */
guint rb_server_port(const RbServer *server, guint i);

/**
 * rb_server_reload_tls: the next connections get this certificate; those open keep theirs until they end (or
 * for drain_s). A bad pair is refused and the old one stays.
 */
gboolean rb_server_reload_tls(RbServer *server, GBytes *certificate, const RbSecret *key, GError **error);

/** rb_server_free: stops accepting, lets requests under way end for drain_s, then answers 503 to the rest.
 * Returns when no worker is in access/ any more. */
void rb_server_free(RbServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbServer, rb_server_free)

#endif
