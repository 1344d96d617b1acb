#include "attacks.h"

#include "idp.h"

#include <string.h>

#define NAME_ID "alice@acme.example</saml:NameID>"

static char *
cut(const char *text, const char *piece)
{
    return idp_replace(text, piece, "");
}

/* The assertion of an attacker's dreams, unsigned: another ID and another name. */
static char *
forged(const char *assertion)
{
    g_autofree char *signature = idp_piece(assertion, "<ds:Signature", "</ds:Signature>");
    g_autofree char *bare = cut(assertion, signature);
    g_autofree char *renamed = idp_replace(bare, "\"_a1\"", "\"_evil\"");

    return idp_replace(renamed, NAME_ID, "root@acme.example</saml:NameID>");
}

typedef struct {
    char *assertion, *evil, *signature, *bare;
} Pieces;

static Pieces
take_apart(const char *xml)
{
    Pieces p;

    p.assertion = idp_piece(xml, "<saml:Assertion ", "</saml:Assertion>");
    p.signature = idp_piece(p.assertion, "<ds:Signature", "</ds:Signature>");
    p.bare = cut(p.assertion, p.signature);
    p.evil = forged(p.assertion);
    return p;
}

static char *
put_together(const char *xml, Pieces p, char *instead)
{
    char *result = idp_replace(xml, p.assertion, instead);

    g_free(p.assertion);
    g_free(p.evil);
    g_free(p.signature);
    g_free(p.bare);
    g_free(instead);
    return result;
}

/* 1, 2: a forged Response around the signed one, which its signature still refers to. */
static char *
wrap_response(const char *xml, gboolean inside)
{
    g_autofree char *response = idp_piece(xml, "<samlp:Response", "</samlp:Response>");
    g_autofree char *signature = idp_piece(response, "<ds:Signature", "</ds:Signature>");
    g_autofree char *bare = cut(response, signature);
    g_autofree char *evil_id = idp_replace(bare, "\"_r1\"", "\"_evil_r\""), *evil_a = NULL, *evil = NULL;
    g_autofree char *object = g_strdup_printf("<ds:Object>%s</ds:Object></ds:Signature>", bare);
    g_autofree char *stuffed = idp_replace(signature, "</ds:Signature>", object);
    g_autofree char *beside = g_strdup_printf("</saml:Issuer>%s%s<samlp:Status>", bare, signature);
    g_autofree char *within = g_strdup_printf("</saml:Issuer>%s<samlp:Status>", stuffed);

    evil_a = idp_replace(evil_id, "\"_a1\"", "\"_evil\"");
    evil = idp_replace(evil_a, NAME_ID, "root@acme.example</saml:NameID>");
    return idp_replace(evil, "</saml:Issuer><samlp:Status>", inside ? within : beside);
}

char *
attack_xsw1(const char *xml)
{
    return wrap_response(xml, TRUE);
}

char *
attack_xsw2(const char *xml)
{
    return wrap_response(xml, FALSE);
}

char *
attack_xsw3(const char *xml) /* forged before the signed one */
{
    Pieces p = take_apart(xml);

    return put_together(xml, p, g_strconcat(p.evil, p.assertion, NULL));
}

char *
attack_xsw4(const char *xml) /* the signed one inside the forged one */
{
    Pieces p = take_apart(xml);
    g_autofree char *tail = g_strconcat(p.assertion, "</saml:Assertion>", NULL);

    return put_together(xml, p, idp_replace(p.evil, "</saml:Assertion>", tail));
}

char *
attack_xsw5(const char *xml) /* the signature moved into the forged one, the signed one behind it */
{
    Pieces p = take_apart(xml);
    g_autofree char *with = g_strconcat("</saml:Issuer>", p.signature, "<saml:Subject>", NULL);
    g_autofree char *evil = idp_replace(p.evil, "</saml:Issuer><saml:Subject>", with);

    return put_together(xml, p, g_strconcat(evil, p.bare, NULL));
}

char *
attack_xsw6(const char *xml) /* the same, the signed one inside the signature */
{
    Pieces p = take_apart(xml);
    g_autofree char *tail = g_strconcat(p.bare, "</ds:Signature>", NULL);
    g_autofree char *stuffed = idp_replace(p.signature, "</ds:Signature>", tail);
    g_autofree char *with = g_strconcat("</saml:Issuer>", stuffed, "<saml:Subject>", NULL);

    return put_together(xml, p, idp_replace(p.evil, "</saml:Issuer><saml:Subject>", with));
}

char *
attack_xsw7(const char *xml) /* the forged one inside Extensions */
{
    Pieces p = take_apart(xml);

    return put_together(xml, p,
                        g_strconcat("<samlp:Extensions>", p.evil, "</samlp:Extensions>", p.assertion, NULL));
}

char *
attack_xsw8(const char *xml) /* the signed one inside an Object of the signature */
{
    Pieces p = take_apart(xml);
    g_autofree char *tail = g_strconcat("<ds:Object>", p.bare, "</ds:Object></ds:Signature>", NULL);
    g_autofree char *stuffed = idp_replace(p.signature, "</ds:Signature>", tail);
    g_autofree char *with = g_strconcat("</saml:Issuer>", stuffed, "<saml:Subject>", NULL);

    return put_together(xml, p, idp_replace(p.evil, "</saml:Issuer><saml:Subject>", with));
}

char *
attack_same_id_twice(const char *xml) /* the forged one has the ID of the signed one */
{
    Pieces p = take_apart(xml);
    g_autofree char *same = idp_replace(p.evil, "\"_evil\"", "\"_a1\"");

    return put_together(xml, p, g_strconcat(same, p.assertion, NULL));
}

char *
attack_forged_alone(const char *xml) /* the signed assertion gone, its signature in the forged one */
{
    Pieces p = take_apart(xml);
    g_autofree char *with = g_strconcat("</saml:Issuer>", p.signature, "<saml:Subject>", NULL);

    return put_together(xml, p, idp_replace(p.evil, "</saml:Issuer><saml:Subject>", with));
}

char *
attack_signature_on_response(const char *xml) /* the assertion's signature as if it were the Response's */
{
    Pieces p = take_apart(xml);
    g_autofree char *moved = g_strconcat("</saml:Issuer>", p.signature, "<samlp:Status>", NULL);
    g_autofree char *evil = g_strdup(p.evil);
    g_autofree char *swapped = put_together(xml, p, g_steal_pointer(&evil));

    return idp_replace(swapped, "</saml:Issuer><samlp:Status>", moved);
}

char *
attack_second_signature(const char *xml)
{
    g_autofree char *signature = idp_piece(xml, "<ds:Signature", "</ds:Signature>");
    g_autofree char *two = g_strconcat(signature, signature, NULL);

    return idp_replace(xml, signature, two);
}

char *
attack_signature_moved_down(const char *xml) /* not a direct child any more */
{
    Pieces p = take_apart(xml);
    g_autofree char *with = g_strconcat("<saml:Advice>", p.signature, "</saml:Advice><saml:Subject>", NULL);

    return put_together(xml, p, idp_replace(p.bare, "<saml:Subject>", with));
}

char *
attack_doctype(const char *xml)
{
    g_autofree char *response = idp_piece(xml, "<samlp:Response", "</samlp:Response>");

    return g_strconcat("<!DOCTYPE r [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>", response, NULL);
}

char *
attack_billion_laughs(const char *xml)
{
    g_autofree char *response = idp_piece(xml, "<samlp:Response", "</samlp:Response>");

    return g_strconcat("<!DOCTYPE r [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>", response, NULL);
}

char *
attack_latin_1(const char *xml)
{
    return idp_replace(xml, "<?xml version=\"1.0\"?>", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>");
}

char *
attack_utf_16(const char *xml)
{
    (void)xml;
    return g_strdup("\xff\xfe<\x01r");
}

char *
attack_processing_instruction(const char *xml)
{
    return idp_replace(xml, "<samlp:Status>", "<?php phpinfo() ?><samlp:Status>");
}

char *
attack_deep(const char *xml)
{
    g_autoptr(GString) nest = g_string_new(NULL);

    for (int i = 0; i < 40; i++)
        g_string_append(nest, "<x>");
    for (int i = 0; i < 40; i++)
        g_string_append(nest, "</x>");
    g_string_append(nest, "<samlp:Status>");
    return idp_replace(xml, "<samlp:Status>", nest->str);
}

char *
attack_many_elements(const char *xml)
{
    g_autoptr(GString) many = g_string_new(NULL);

    for (int i = 0; i < 51000; i++)
        g_string_append(many, "<x/>");
    g_string_append(many, "<samlp:Status>");
    return idp_replace(xml, "<samlp:Status>", many->str);
}

char *
attack_many_attributes(const char *xml)
{
    g_autoptr(GString) many = g_string_new("<samlp:Status");

    for (int i = 0; i < 70; i++)
        g_string_append_printf(many, " a%d=\"\"", i);
    g_string_append(many, ">");
    return idp_replace(xml, "<samlp:Status>", many->str);
}

char *
attack_oversize(const char *xml)
{
    g_autofree char *spaces = g_strnfill(1200 * 1024, ' ');
    g_autofree char *with = g_strconcat(spaces, "<samlp:Status>", NULL);

    return idp_replace(xml, "<samlp:Status>", with);
}

char *
attack_ciphertext_changed(const char *xml)
{
    char *copy = g_strdup(xml), *end = g_strrstr(copy, "CipherValue>");

    for (end -= 20; !g_ascii_isalnum(*end); end--)
        ;
    *end = *end == 'A' ? 'B' : 'A';
    return copy;
}

char *
attack_namespaces_in_depth(const char *xml)
{
    g_autoptr(GString) nest = g_string_new(NULL);
    g_autoptr(GString) list =
        g_string_new("<InclusiveNamespaces xmlns=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"");
    g_autofree char *nested = NULL, *listed = NULL;

    for (int i = 0; i < 25; i++) {
        g_string_append(nest, "<x");
        for (int j = 0; j < 60; j++)
            g_string_append_printf(nest, " xmlns:n%d-%d=\"urn:n\"", i, j);
        g_string_append(nest, ">");
    }
    for (int i = 0; i < 40000; i++)
        g_string_append(nest, "<x/>");
    for (int i = 0; i < 25; i++)
        g_string_append(nest, "</x>");
    g_string_append(nest, "<saml:Subject>");
    for (int i = 0; i < 32; i++)
        g_string_append(list, "q ");
    g_string_append(list, "\"/></ds:Transform></ds:Transforms>");
    nested = idp_replace(xml, "<saml:Subject>", nest->str);
    listed = idp_replace(nested, "xml-exc-c14n#\"/></ds:Transforms>", "xml-exc-c14n#\"></ds:Transforms>");
    return idp_replace(listed, "</ds:Transforms>", list->str);
}

char *
attack_many_namespaces(const char *xml)
{
    g_autoptr(GString) many = g_string_new("<samlp:Status");

    for (int i = 0; i < 70; i++)
        g_string_append_printf(many, " xmlns:n%d='>'", i);
    g_string_append(many, ">");
    return idp_replace(xml, "<samlp:Status>", many->str);
}

char *
attack_many_ids(const char *xml)
{
    g_autoptr(GString) many = g_string_new(NULL);

    for (int i = 0; i < 300; i++)
        g_string_append_printf(many, "<x ID=\"x%d\"/>", i);
    g_string_append(many, "<samlp:Status>");
    return idp_replace(xml, "<samlp:Status>", many->str);
}

char *
attack_endless_prefixes(const char *xml)
{
    static const char plain[] = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
    g_autoptr(GString) many =
        g_string_new("<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">"
                     "<InclusiveNamespaces xmlns=\"http://www.w3.org/2001/10/xml-exc-c14n#\" "
                     "PrefixList=\"");

    for (int i = 0; i < 100; i++)
        g_string_append_printf(many, "p%d ", i);
    g_string_append(many, "\"/></ds:Transform>");
    return idp_replace(xml, plain, many->str);
}
