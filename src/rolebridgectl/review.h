#ifndef RB_ROLEBRIDGECTL_REVIEW_H
#define RB_ROLEBRIDGECTL_REVIEW_H

#include "rolebridgectl/command.h"

extern const RbCommand rb_command_diff, rb_command_who_can, rb_command_what_can;

#endif
