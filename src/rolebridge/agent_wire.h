#ifndef RB_ROLEBRIDGE_AGENT_WIRE_H
#define RB_ROLEBRIDGE_AGENT_WIRE_H

#include "rolebridge/cli.h"

/*
 * What commands and the agent say to each other: a unix socket that only the person themselves can reach, one
 * question a connection, each side one JSON object on one line. As soon as it has taken the connection, the
 * agent sends an empty line: "somebody is here".
 */

enum {
    RB_AGENT_QUESTION_MAX = 16 * 1024,
    RB_AGENT_ANSWER_MAX = 1024 * 1024,
    RB_AGENT_TEXT_MAX = 1024, /* one member of a question */
};

typedef enum {
    RB_AGENT_STATUS,      /* who, which leases, until when */
    RB_AGENT_CREDENTIALS, /* a lease */
    RB_AGENT_FORGET,      /* drop all leases: somebody else may have signed in */
    RB_AGENT_END,         /* drop them and end */
} RbAgentVerb;

typedef struct {
    RbAgentVerb verb;
    char *bridge, *session; /* whose */
    char *account, *role;   /* of credentials */
    gint64 duration_s;      /* 0: the role's default */
    gboolean fresh;
} RbAgentQuestion;
void rb_agent_question_free(RbAgentQuestion *question);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbAgentQuestion, rb_agent_question_free)

/** rb_agent_question_parse: what came as one line. Returns: (transfer full): or NULL with request.malformed
 */
RbAgentQuestion *rb_agent_question_parse(const char *bytes, gsize size, GError **error);
/** rb_agent_question_to_json: (transfer full): the same form. */
json_t *rb_agent_question_to_json(const RbAgentQuestion *question);

/** rb_agent_error_to_json, _from_json: a refusal or fault as {"error": {code, message}}. _from_json returns
 * FALSE when @answer is no such thing. */
json_t *rb_agent_error_to_json(const GError *error);
gboolean rb_agent_error_from_json(const json_t *answer, GError **error);

/** rb_agent_folder: (transfer full): $XDG_RUNTIME_DIR/rolebridge, or below /run/user/UID; NULL: there is
 * neither. */
char *rb_agent_folder(void);
/** rb_agent_socket_path: (transfer full): of this session's agent; NULL as above, or when it is too long. */
char *rb_agent_socket_path(const RbCli *cli);

/** rb_agent_peer_is_me: whether the process at the other end runs as this very user. */
gboolean rb_agent_peer_is_me(int fd);

/** rb_agent_send: @json as one line, wiped afterwards. FALSE when the other end does not take it by
 * @until_us (monotonic). */
gboolean rb_agent_send(int fd, const json_t *json, gint64 until_us);
/**
 * rb_agent_receive: one line of at most @max bytes, with the empty lines before it taken away; returns at the
 * end of an empty line too when @one_empty. Returns: (transfer full): it, or NULL: too late, too long, ended
 * before a line did
 */
RbSecret *rb_agent_receive(int fd, gsize max, gboolean one_empty, gint64 until_us);

#endif
