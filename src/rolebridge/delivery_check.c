#include "rolebridge/delivery_priv.h"

#include "base/encoding.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 512 };

void
rb_delivery_header(RbDeliveryHeaders *headers, const char *name, const char *value)
{
    const struct {
        const char *name, **field;
    } once[] = { { "Host", &headers->host },
                 { "Authorization", &headers->authorization },
                 { "X-aws-ec2-metadata-token", &headers->metadata_token },
                 { "X-aws-ec2-metadata-token-ttl-seconds", &headers->metadata_ttl } };
    static const char *const elsewhere[] = {
        "Origin", "Sec-Fetch-Site", "Referer", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via"
    };

    for (gsize i = 0; i < G_N_ELEMENTS(once); i++)
        if (g_ascii_strcasecmp(name, once[i].name) == 0) {
            if (*once[i].field != NULL)
                headers->twice = once[i].name;
            *once[i].field = value != NULL ? value : "";
        }
    for (gsize i = 0; i < G_N_ELEMENTS(elsewhere); i++)
        if (g_ascii_strcasecmp(name, elsewhere[i]) == 0)
            headers->from_elsewhere = elsewhere[i];
    if (g_ascii_strcasecmp(name, "Transfer-Encoding") == 0 ||
        (g_ascii_strcasecmp(name, "Content-Length") == 0 && g_strcmp0(value, "0") != 0))
        headers->has_body = TRUE;
}

gboolean
rb_delivery_check(const RbDeliveryHeaders *headers, guint16 port, GError **error)
{
    g_autofree char *address = g_strdup_printf("127.0.0.1:%u", (guint)port);
    g_autofree char *name = g_strdup_printf("localhost:%u", (guint)port);

    if (headers->twice != NULL)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "the header %s was sent twice", headers->twice);
    if (headers->host == NULL)
        return rb_refuse(error, RB_REQUEST_HOST, "there is no Host header");
    if (!g_str_equal(headers->host, address) && g_ascii_strcasecmp(headers->host, name) != 0) {
        g_autofree char *quoted = rb_text_quote(headers->host);
        return rb_refuse(error, RB_REQUEST_HOST, "%s is not %s", quoted, address);
    }
    if (headers->from_elsewhere != NULL)
        return rb_refuse(error, RB_REQUEST_FORGED, "it came by a browser or a proxy: it has the header %s",
                         headers->from_elsewhere);
    if (headers->has_body)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "it has a body");
    return TRUE;
}

/* The end of a token over @text: hex HMAC-SHA-256. */
static char *
seal(const RbSecret *key, const char *text)
{
    guint8 mac[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    if (HMAC(EVP_sha256(), rb_secret_reveal(key), (int)rb_secret_size(key), (const guint8 *)text,
             strlen(text), mac, &size) == NULL)
        g_error("HMAC-SHA-256 cannot be computed"); /* no token is better than one without a seal */
    return rb_hex_encode(mac, size);
}

char *
rb_metadata_token_new(const RbSecret *key, gint64 until)
{
    g_autoptr(RbSecret) nonce = rb_secret_new_random(16);
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT ".%s", until, rb_secret_reveal(nonce));
    g_autofree char *end = seal(key, text);

    return g_strconcat(text, ".", end, NULL);
}

gboolean
rb_metadata_token_check(const RbSecret *key, const char *token, gint64 now, GError **error)
{
    const char *dot = token == NULL ? NULL : strrchr(token, '.');
    g_autofree char *text = dot == NULL ? NULL : g_strndup(token, (gsize)(dot - token)), *end = NULL;
    g_autoptr(RbSecret) wanted = NULL;
    gint64 until;
    char *first;

    if (dot == NULL)
        return rb_refuse(error, RB_LOCAL_TOKEN,
                         token == NULL ? "there is no X-aws-ec2-metadata-token" : "it is no token of ours");
    end = seal(key, text);
    wanted = rb_secret_new_text(end);
    first = rb_secret_equal_text(wanted, dot + 1) ? strchr(text, '.') : NULL;
    if (first == NULL)
        return rb_refuse(error, RB_LOCAL_TOKEN, "it is no token of ours");
    *first = '\0';
    if (!g_ascii_string_to_signed(text, 10, 0, G_MAXINT64, &until, NULL) || now >= until)
        return rb_refuse(error, RB_LOCAL_TOKEN, "the token has expired");
    return TRUE;
}

/* Looks in @path for the line of a socket that is @local and goes to @remote. Returns: whether @uid is known
 */
static gboolean
find_owner(const char *path, const char *local, const char *remote, gint64 *uid)
{
    FILE *file = fopen(path, "re");
    char line[LINE_MAX_BYTES];
    gboolean found = FALSE;

    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        /* sl local remote state queues timer retransmits uid … */
        g_autofree char *flat = g_strdelimit(g_strdup(line), "\t\n", ' ');
        g_auto(GStrv) words = g_strsplit(flat, " ", -1);
        const char *fields[8] = { 0 };
        guint n = 0;
        for (char **word = words; *word != NULL && n < G_N_ELEMENTS(fields); word++)
            if (**word != '\0')
                fields[n++] = *word;
        found = n == G_N_ELEMENTS(fields) && g_str_equal(fields[1], local) &&
                g_str_equal(fields[2], remote) &&
                g_ascii_string_to_signed(fields[7], 10, 0, G_MAXUINT32, uid, NULL);
    }
    if (file != NULL)
        (void)fclose(file);
    return found;
}

gboolean
rb_delivery_peer_check(const char *table, const char *table6, const struct sockaddr_in *peer, guint16 port,
                       GError **error)
{
    /* as the kernel prints them: the address as a number of this machine, the port as people write it */
    g_autofree char *local =
        g_strdup_printf("%08X:%04X", (guint)peer->sin_addr.s_addr, (guint)ntohs(peer->sin_port));
    g_autofree char *remote = g_strdup_printf("%08X:%04X", (guint)htonl(INADDR_LOOPBACK), (guint)port);
    g_autofree char *prefix = g_strdup_printf("0000000000000000%08X", (guint)htonl(0xffff));
    g_autofree char *local6 = g_strconcat(prefix, local, NULL), *remote6 = g_strconcat(prefix, remote, NULL);
    gint64 uid;

    /* programs that speak IPv6 alone come here too, and are in the other table */
    if (!find_owner(table, local, remote, &uid) && !find_owner(table6, local6, remote6, &uid))
        return rb_refuse(error, RB_LOCAL_USER, "it cannot be told which user's program asks");
    if (uid != (gint64)geteuid())
        return rb_refuse(error, RB_LOCAL_USER, "a program of user %" G_GINT64_FORMAT " asks", uid);
    return TRUE;
}
