#ifndef RB_ROLEBRIDGE_AGENT_PRIV_H
#define RB_ROLEBRIDGE_AGENT_PRIV_H

#include "rolebridge/agent.h"
#include "rolebridge/agent_wire.h"
#include "rolebridge/holder.h"

/* The agent's socket, and whose it is. */
typedef struct {
    char *path;
    int fd, lock; /* -1: none */
    gboolean handed_over;
} RbAgentDoor;

/** rb_agent_door_open: see rb_agent_new(). */
gboolean rb_agent_door_open(RbAgentDoor *door, const RbCli *cli, GError **error);
void rb_agent_door_close(RbAgentDoor *door);

/* The sign-in as the agent sees it. */
typedef struct {
    RbCli *cli;
    GMutex mutex;
    char *name;        /* who; NULL: not known yet */
    char *token;       /* handle of the access token that `name` was asked with */
    gint64 expires_at; /* of that token */
    gint64 renewed_at; /* when the agent last saw a new one; 0: never */
    gint64 ended_at;   /* when the sign-in was seen to be gone; 0: it is good */
    char *error;       /* why the last renewal failed; NULL: it did not */
} RbAgentPerson;

void rb_agent_person_init(RbAgentPerson *person, RbCli *cli);
void rb_agent_person_clear(RbAgentPerson *person);
/**
 * rb_agent_person_check: looks at the cached sign-in, renewed where that is due, or would be in @sooner_s.
 * Who a new token belongs to is asked; @changed says that it is somebody else than before. Returns: TRUE when
 * what is held may be given out; or FALSE with session.missing, session.expired, or a fault: a token is new,
 * and nobody could be asked whose it is
 */
gboolean rb_agent_person_check(RbAgentPerson *person, gint64 sooner_s, gboolean *changed, GError **error);

#endif
