#ifndef RB_ROLEBRIDGECTL_DOCTOR_H
#define RB_ROLEBRIDGECTL_DOCTOR_H

#include "net/net.h"
#include "rolebridged/config.h"

#include <glib.h>
#include <jansson.h>

/* What `rolebridgectl doctor` found: one line each, in the order of the checks. */
typedef enum {
    RB_FOUND_OK,
    RB_FOUND_WARNING,
    RB_FOUND_WRONG,   /* the service cannot work so, or must not */
    RB_FOUND_UNKNOWN, /* it could not be looked at from here */
    RB_N_FOUND
} RbFound;

typedef struct {
    const char *path;       /* of the configuration */
    const RbConfig *config; /* NULL until it was read */
    RbHttp *http;           /* NULL: nothing can be fetched */
    gint64 now;
    gboolean json, colour;
    json_t *rows;
    guint n[RB_N_FOUND];
} RbDoctor;

/** rb_doctor_say: one line about @check; @next: what to do, NULL when there is nothing. Text from outside is
 * made printable here. */
void rb_doctor_say(RbDoctor *doctor, RbFound found, const char *check, const char *next, const char *format,
                   ...) G_GNUC_PRINTF(5, 6);

/** rb_doctor_files: who may change what the service believes. */
void rb_doctor_files(RbDoctor *doctor);
/** rb_doctor_tls: certificate, chain and key. */
void rb_doctor_tls(RbDoctor *doctor);
/** rb_doctor_ports: whether the service can listen, or does. */
void rb_doctor_ports(RbDoctor *doctor);
/** rb_doctor_store: the database, the audit log's head, the disk. */
void rb_doctor_store(RbDoctor *doctor);

#endif
