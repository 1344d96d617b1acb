#ifndef RB_TEST_SERVE_CLIENT_H
#define RB_TEST_SERVE_CLIENT_H

#include <glib.h>

/* An HTTP client that sends exactly the bytes it is given. */
typedef struct {
    guint status; /* 0: the connection ended without an answer */
    char *head;   /* status line and headers */
    char *body;
} Reply;
void reply_clear(Reply *reply);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reply, reply_clear)

int client_open(guint port);
/** client_say: sends @text and reads one answer. */
Reply client_say(int fd, const char *text);
/** client_once: a connection of its own for @text. */
Reply client_once(guint port, const char *text);
/** reply_header: (transfer full): the value of the only header of that name; NULL: none. Fails the test on
 * two. */
char *reply_header(const Reply *reply, const char *name);

#endif
