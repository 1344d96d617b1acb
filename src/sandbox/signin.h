#ifndef RB_SANDBOX_SIGNIN_H
#define RB_SANDBOX_SIGNIN_H

#include "sandbox/box.h"

/** rb_box_signin_answer: POST /saml: an assertion by the browser, into the console (reference §2.1). */
void rb_box_signin_answer(const RbBoxSts *sts, RbBoxConsole *console, const RbBoxRequest *request, gint64 now,
                          RbBoxAnswer *answer);

#endif
