#include "client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

void
reply_clear(Reply *reply)
{
    g_clear_pointer(&reply->head, g_free);
    g_clear_pointer(&reply->body, g_free);
}

int
client_open(guint port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((guint16)port) };
    struct timeval patience = { .tv_sec = 20 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    return fd;
}

char *
reply_header(const Reply *reply, const char *name)
{
    g_auto(GStrv) lines = g_strsplit(reply->head, "\r\n", -1);
    char *found = NULL;

    for (guint i = 1; lines[i] != NULL; i++) {
        char *colon = strchr(lines[i], ':');
        if (colon == NULL || strlen(name) != (gsize)(colon - lines[i]) ||
            g_ascii_strncasecmp(lines[i], name, strlen(name)) != 0)
            continue;
        g_assert_null(found);
        found = g_strdup(g_strstrip(colon + 1));
    }
    return found;
}

static gboolean
is_whole(const GString *got, gboolean head_only, char **end_of_head)
{
    char *end = strstr(got->str, "\r\n\r\n");
    Reply head = { 0 };
    gsize length = 0;

    if (end == NULL)
        return FALSE;
    *end_of_head = end;
    head.head = g_strndup(got->str, (gsize)(end - got->str));
    g_autofree char *text = reply_header(&head, "Content-Length");
    if (text != NULL)
        length = (gsize)g_ascii_strtoull(text, NULL, 10);
    g_free(head.head);
    return head_only || got->len >= (gsize)(end - got->str) + 4 + length;
}

Reply
client_say(int fd, const char *text)
{
    g_autoptr(GString) got = g_string_new(NULL);
    Reply reply = { 0 };
    gboolean head_only = g_str_has_prefix(text, "HEAD ");
    char chunk[65536], *end = NULL;
    gsize sent = 0, size = strlen(text);

    while (sent < size) {
        gssize n = send(fd, text + sent, size - sent, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        sent += (gsize)n;
    }
    while (!is_whole(got, head_only, &end)) {
        gssize n = recv(fd, chunk, sizeof chunk, 0);
        if (n <= 0)
            break;
        g_string_append_len(got, chunk, n);
    }
    if (end == NULL || got->len < 12)
        return reply;
    reply.status = (guint)g_ascii_strtoull(got->str + 9, NULL, 10);
    reply.head = g_strndup(got->str, (gsize)(end - got->str));
    reply.body = g_strdup(end + 4);
    return reply;
}

Reply
client_once(guint port, const char *text)
{
    int fd = client_open(port);
    Reply reply = client_say(fd, text);

    close(fd);
    return reply;
}
