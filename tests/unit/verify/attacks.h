#ifndef TEST_ATTACKS_H
#define TEST_ATTACKS_H

/* What an attacker makes of a signed Response: the eight published signature wrappings (xsw1 to xsw8), what
 * they leave open, and XML that is hostile as such. Each returns (transfer full) the message to send. */
char *attack_xsw1(const char *xml);
char *attack_xsw2(const char *xml);
char *attack_xsw3(const char *xml);
char *attack_xsw4(const char *xml);
char *attack_xsw5(const char *xml);
char *attack_xsw6(const char *xml);
char *attack_xsw7(const char *xml);
char *attack_xsw8(const char *xml);
char *attack_same_id_twice(const char *xml);
char *attack_forged_alone(const char *xml);
char *attack_signature_on_response(const char *xml);
char *attack_second_signature(const char *xml);
char *attack_signature_moved_down(const char *xml);
char *attack_doctype(const char *xml);
char *attack_billion_laughs(const char *xml);
char *attack_latin_1(const char *xml);
char *attack_utf_16(const char *xml);
char *attack_processing_instruction(const char *xml);
char *attack_deep(const char *xml);
char *attack_many_elements(const char *xml);
char *attack_many_attributes(const char *xml);
char *attack_oversize(const char *xml);
char *attack_ciphertext_changed(const char *xml);
char *attack_namespaces_in_depth(const char *xml);
char *attack_many_namespaces(const char *xml);
char *attack_many_ids(const char *xml);
char *attack_endless_prefixes(const char *xml);

#endif
