#ifndef RB_BASE_PROCESS_H
#define RB_BASE_PROCESS_H

/**
 * rb_process_harden: the first thing in every main(): no core dumps, not traceable by others, files private
 * by default, SIGPIPE ignored, and no environment variable that would weaken a library we use (LASSO_FLAG and
 * its kin). With @keep_umask the caller's umask stays (a command whose output files belong to the person).
 */
void rb_process_harden(int keep_umask);

#endif
