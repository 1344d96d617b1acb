#ifndef RB_ROLEBRIDGED_NOTIFY_H
#define RB_ROLEBRIDGED_NOTIFY_H

/** rb_notify: tells the service manager @state ("READY=1"), when there is one ($NOTIFY_SOCKET, sd_notify(3)).
 * What goes wrong there is no reason to stop. */
void rb_notify(const char *state);

/** rb_notify_reloading: RELOADING=1 with the time stamp that Type=notify-reload wants. */
void rb_notify_reloading(void);

#endif
