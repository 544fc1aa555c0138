/* Options: every verb refuses what its schema does not contain. The tests are driven by the schemas. */
#include "stages.h"
#include "verbs.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

/* Options that no verb takes, and a text that the message must contain. */
static const struct {
    const char *options, *needle;
} refused[] = {
    {"nonsense", "options"},
    {"{", "options"},
    {"}", "options"},
    {"{} {}", "options"},
    {"{}x", "options"},
    {"[]", "object"},
    {"[1, 2]", "object"},
    {"1", "object"},
    {"null", "object"},
    {"\"text\"", "object"},
    {"{\"a\"}", "options"},
    {"{\"a\":}", "options"},
    {"{\"a\":1,}", "options"},
    {"{'a':1}", "options"},
    {"{a:1}", "options"},
    {"{\"a\":1 /* comment */}", "options"},
    {"{\"a\":01}", "options"},
    {"{\"a\":+1}", "options"},
    {"{\"a\":NaN}", "options"},
    {"{\"a\":Infinity}", "options"},
    {"{\"a\":-Infinity}", "options"},
    {"{\"a\":\"\\ud800\"}", "options"},
    {"{\"a\":\"line\nbreak\"}", "options"},
    {"{\"a\":\"unterminated}", "options"},
    {"{\"no_such_option\":1}", "no_such_option"},
    {"{\"\":1}", "options"},
    {"{\"seed \":1}", "seed "},
    {"{\"Seed\":1}", "Seed"},
};

static void what_no_verb_takes(void) {
    verbs_open();
    for (const verb *each = verbs; each->name; each++)
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
            check_context("%s %s", each->name, refused[i].options);
            CHECK_FAILS(each->call(refused[i].options), PIXART_ERROR_OPTION, refused[i].needle);
        }
    verbs_close();
}

static void nothing_stands_for_the_defaults(void) {
    verbs_open();
    for (const verb *each = verbs; each->name; each++) {
        check_context("%s", each->name);
        CHECK_OK(each->call(NULL));
        CHECK_OK(each->call(""));
        CHECK_OK(each->call("{}"));
        CHECK_OK(each->call(" \n\t{ } "));
    }
    verbs_close();
}

/* A hundred thousand brackets must not exhaust the stack. */
static void too_deep(void) {
    enum { DEPTH = 100000 };
    char *options = malloc(2 * DEPTH + 16), *end = options;
    end += sprintf(end, "{\"a\":");
    for (int i = 0; i < DEPTH; i++)
        *end++ = '[';
    for (int i = 0; i < DEPTH; i++)
        *end++ = ']';
    strcpy(end, "}");
    verbs_open();
    for (const verb *each = verbs; each->name; each++)
        CHECK_FAILS(each->call(options), PIXART_ERROR_OPTION, "options");
    verbs_close();
    free(options);
}

/* ---- Driven by the schema ---------------------------------------------------------------------------------------- */

typedef void property_test(const verb *, const char *key, json_object *property);

static void for_each_property(property_test *test) {
    verbs_open();
    for (const verb *each = verbs; each->name; each++) {
        json_object *schema = json_tokener_parse(pixart_options_schema(each->name)), *properties = NULL;
        check_context("%s", each->name);
        REQUIRE(schema && json_object_object_get_ex(schema, "properties", &properties));
        json_object_object_foreach(properties, key, property) {
            check_context("%s %s", each->name, key);
            test(each, key, property);
        }
        json_object_put(schema);
    }
    verbs_close();
}

/* The status of the verb with {key: value}, the value in JSON. */
static pixart_status with(const verb *each, const char *key, const char *value) {
    size_t size = strlen(key) + strlen(value) + 16;
    char *options = malloc(size);
    snprintf(options, size, "{\"%s\":%s}", key, value);
    pixart_status status = each->call(options);
    free(options);
    return status;
}

/* Whether a property, or one of the forms that it may have, has the type. */
static int has_type(json_object *property, const char *type) {
    json_object *types = NULL, *forms = NULL;
    if (!json_object_object_get_ex(property, "type", &types)) {
        size_t count = json_object_object_get_ex(property, "oneOf", &forms) ? json_object_array_length(forms) : 0;
        for (size_t i = 0; i < count; i++)
            if (has_type(json_object_array_get_idx(forms, i), type))
                return 1;
        return 0;
    }
    if (json_object_is_type(types, json_type_string))
        return !strcmp(json_object_get_string(types), type);
    for (size_t i = 0; i < json_object_array_length(types); i++)
        if (!strcmp(json_object_get_string(json_object_array_get_idx(types, i)), type))
            return 1;
    return 0;
}

static void is_documented(const verb *each, const char *key, json_object *property) {
    (void)each, (void)key;
    json_object *description = NULL, *value = NULL;
    CHECK(json_object_object_get_ex(property, "description", &description));
    CHECK(json_object_get_string_len(description) > 10);
    CHECK(json_object_object_get_ex(property, "type", &value) || json_object_object_get_ex(property, "oneOf", &value));
}

static void takes_its_default(const verb *each, const char *key, json_object *property) {
    json_object *value = NULL;
    if (json_object_object_get_ex(property, "default", &value))
        CHECK_OK(with(each, key, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)));
}

static void refuses_other_types(const verb *each, const char *key, json_object *property) {
    static const struct {
        const char *value, *type;
    } values[] = {
        {"\"12\"", "string"},     {"true", "boolean"}, {"[[[]]]", NULL},
        {"{\"a\":{}}", "object"}, {"1.5", "number"},   {"null", "null"},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        if (values[i].type && has_type(property, values[i].type))
            continue;
        check_context("%s {\"%s\":%s}", each->name, key, values[i].value);
        CHECK_FAILS(with(each, key, values[i].value), PIXART_ERROR_OPTION, key);
    }
}

static void refuses_what_is_out_of_range(const verb *each, const char *key, json_object *property) {
    json_object *bound = NULL, *items = NULL;
    char value[64];
    if (json_object_object_get_ex(property, "items", &items) && json_object_object_get_ex(items, "oneOf", &bound)) {
        /* A list of texts or objects. */
        static const char *const wrong[] = {"[\"\"]",
                                            "[1]",
                                            "[{}]",
                                            "[{\"path\": 1}]",
                                            "[{\"path\": \"a\", \"scale\": \"b\"}]",
                                            "[{\"path\": \"a\", \"mystery\": 1}]"};
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
            CHECK_FAILS(with(each, key, wrong[i]), PIXART_ERROR_OPTION, key);
    } else if (items) {
        CHECK_FAILS(with(each, key, "[]"), PIXART_ERROR_OPTION, key);
        CHECK_FAILS(with(each, key, "[\"no such choice\"]"), PIXART_ERROR_OPTION, key, "no such choice");
        json_object *inner = NULL, *count = NULL;
        int is_nested = json_object_object_get_ex(items, "items", &inner);
        if (json_object_object_get_ex(items, "enum", &bound)) {
            const char *first = json_object_get_string(json_object_array_get_idx(bound, 0));
            snprintf(value, sizeof value, "[\"%s\", \"%s\"]", first, first);
        } else {
            REQUIRE(json_object_object_get_ex(is_nested ? inner : items, "minimum", &bound));
            char low[32], *end = value;
            snprintf(low, sizeof low, "%.0f", json_object_get_double(bound) - 1);
            int is_counted = json_object_object_get_ex(is_nested ? items : property, "maxItems", &count);
            int64_t numbers = is_counted ? json_object_get_int64(count) : 1;
            for (int64_t i = 0; i < numbers; i++)
                end += sprintf(end, "%c%s", i ? ',' : '[', i == numbers - 1 ? low : "0");
            strcpy(end, "]");
            if (is_nested) {
                memmove(value + 1, value, strlen(value) + 1);
                value[0] = '[', strcat(value, "]");
            }
        }
        CHECK_FAILS(with(each, key, value), PIXART_ERROR_OPTION, key);
    }
    if (json_object_object_get_ex(property, "minimum", &bound)) {
        snprintf(value, sizeof value, "%.0f", json_object_get_double(bound) - 1);
        CHECK_FAILS(with(each, key, value), PIXART_ERROR_OPTION, key);
        if (has_type(property, "number"))
            CHECK_FAILS(with(each, key, "-1e300"), PIXART_ERROR_OPTION, key);
    }
    if (json_object_object_get_ex(property, "maximum", &bound)) {
        snprintf(value, sizeof value, "%.0f", json_object_get_double(bound) * 2 + 1);
        CHECK_FAILS(with(each, key, value), PIXART_ERROR_OPTION, key);
    }
    if (has_type(property, "integer") || has_type(property, "number")) {
        CHECK_FAILS(with(each, key, "1e999"), PIXART_ERROR_OPTION, key);
        CHECK_FAILS(with(each, key, "-99999999999999999999999999"), PIXART_ERROR_OPTION, key);
    }
    if (json_object_object_get_ex(property, "enum", &bound)) {
        CHECK_FAILS(with(each, key, "\"no such choice\""), PIXART_ERROR_OPTION, key, "no such choice");
        for (size_t i = 0; i < json_object_array_length(bound); i++) {
            json_object *choice = json_object_array_get_idx(bound, i);
            if (!json_object_is_type(choice, json_type_string))
                continue;
            each->call("{\"no\":1}"); /* another failure replaces the message */
            with(each, key, "\"no such choice\"");
            CHECK(strstr(pixart_error_message(), json_object_get_string(choice)) != NULL);
        }
    }
}

static void refuses_a_second(const verb *each, const char *key, json_object *property) {
    json_object *value = NULL;
    if (!json_object_object_get_ex(property, "default", &value))
        return;
    const char *text = json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
    char options[1024];
    snprintf(options, sizeof options, "{\"%s\":%s,\"%s\":%s}", key, text, key, text);
    CHECK_FAILS(each->call(options), PIXART_ERROR_OPTION, key);
}

static void every_property_is_documented(void) { for_each_property(is_documented); }
static void every_default_is_taken(void) { for_each_property(takes_its_default); }
static void every_other_type_is_refused(void) { for_each_property(refuses_other_types); }
static void every_range_holds(void) { for_each_property(refuses_what_is_out_of_range); }
static void every_duplicate_is_refused(void) { for_each_property(refuses_a_second); }

static void schemas_are_closed_objects(void) {
    for (const verb *each = verbs; each->name; each++) {
        check_context("%s", each->name);
        const char *text = pixart_options_schema(each->name);
        REQUIRE(text != NULL);
        CHECK(text == pixart_options_schema(each->name)); /* static */
        json_object *schema = json_tokener_parse(text), *value = NULL;
        REQUIRE(schema != NULL);
        CHECK(json_object_object_get_ex(schema, "type", &value));
        CHECK_TEXT(json_object_get_string(value), "object");
        CHECK(json_object_object_get_ex(schema, "additionalProperties", &value));
        CHECK(!json_object_get_boolean(value));
        json_object_put(schema);
    }
    json_object *names = json_tokener_parse(pixart_options_schema(NULL));
    REQUIRE(names != NULL);
    size_t count = 0;
    for (const verb *each = verbs; each->name; each++, count++)
        ;
    CHECK_EQUAL(json_object_array_length(names), count);
    for (size_t i = 0; i < count; i++)
        CHECK(verb_named(json_object_get_string(json_object_array_get_idx(names, i))) != NULL);
    json_object_put(names);
    CHECK(pixart_options_schema("") == NULL);
    CHECK(pixart_options_schema("no_such_verb") == NULL);
    CHECK(pixart_options_schema("DENOISE") == NULL);
}

static void seeds(void) {
    verbs_open();
    const verb *run = verb_named("denoise");
    CHECK_OK(run->call("{\"seed\": 0}"));
    CHECK_OK(run->call("{\"seed\": 9223372036854775808}"));
    CHECK_OK(run->call("{\"seed\": 18446744073709551615}"));
    CHECK_FAILS(run->call("{\"seed\": 18446744073709551616}"), PIXART_ERROR_OPTION, "seed");
    CHECK_FAILS(run->call("{\"seed\": -1}"), PIXART_ERROR_OPTION, "seed");
    CHECK_FAILS(run->call("{\"seed\": 1.5}"), PIXART_ERROR_OPTION, "seed");
    CHECK_OK(run->call("{\"seed\": [3]}"));
    CHECK_OK(run->call("{\"seed\": [3, 4], \"num_images_per_prompt\": 2}"));
    CHECK_FAILS(run->call("{\"seed\": []}"), PIXART_ERROR_OPTION, "seed");
    CHECK_FAILS(run->call("{\"seed\": [3, 4]}"), PIXART_ERROR_OPTION, "seed");
    CHECK_FAILS(run->call("{\"seed\": [3, -4], \"num_images_per_prompt\": 2}"), PIXART_ERROR_OPTION, "seed");
    verbs_close();
}

/* Options whose values must fit each other or the model. */
static void values_that_do_not_fit(void) {
    static const struct {
        const char *verb, *options, *needles[3];
    } rows[] = {
        {"denoise", "{\"guidance_interval\": [0.6, 0.5]}", {"guidance_interval", "0.6", "start"}},
        {"denoise", "{\"guidance_interval\": [0, 1.5]}", {"guidance_interval", "1.5", "2 numbers"}},
        {"denoise", "{\"guidance_interval\": [0.5]}", {"guidance_interval", "[0.5]", "2 numbers"}},
        {"denoise", "{\"guidance_interval\": [0, 0.5, 1]}", {"guidance_interval", "0.5", "2 numbers"}},
        {"denoise", "{\"guidance_interval\": [0, \"1\"]}", {"guidance_interval", "\"1\"", "2 numbers"}},
        {"denoise", "{\"guidance_interval\": null}", {"guidance_interval", "null", "2 numbers"}},
        {"denoise", "{\"pag_applied_layers\": [0, 5]}", {"pag_applied_layers", "has 5", "0 to 4"}},
        {"denoise", "{\"pag_applied_layers\": [0.5]}", {"pag_applied_layers", "0.5", "integers"}},
        {"denoise", "{\"pag_scale\": -1}", {"pag_scale", "-1", "0.0 to 1000.0"}},
        {"denoise", "{\"pag_adaptive_scale\": -1}", {"pag_adaptive_scale", "-1", "0.0 to 1000.0"}},
        {"denoise", "{\"strength\": 1.5}", {"strength", "1.5", "0.0 to 1.0"}},
        {"denoise", "{\"strength\": 0}", {"strength", "0.0", "num_inference_steps 20"}},
        {"denoise", "{\"strength\": 0.24, \"num_inference_steps\": 4}", {"strength", "0.24", "num_inference_steps 4"}},
        {"sampler_preview", "{\"rgb_factors\": [[1, 2, 3]]}", {"rgb_factors", "1 rows", "8"}},
        {"sampler_preview", "{\"rgb_factors\": [[1, 2]]}", {"rgb_factors", "[[1,2]]", "3 numbers"}},
        {"sampler_preview", "{\"rgb_factors\": [1, 2, 3]}", {"rgb_factors", "[1,2,3]", "arrays of 3 numbers"}},
        {"sampler_preview", "{\"rgb_bias\": [1, 2]}", {"rgb_bias", "[1,2]", "3 numbers"}},
    };
    verbs_open();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_context("%s", rows[i].options);
        CHECK_FAILS(verb_named(rows[i].verb)->call(rows[i].options), PIXART_ERROR_OPTION, rows[i].needles[0],
                    rows[i].needles[1], rows[i].needles[2]);
    }
    verbs_close();
}

static const check_test tests[] = {
    {"values that do not fit", values_that_do_not_fit},
    {"what no verb takes", what_no_verb_takes},
    {"nothing means the defaults", nothing_stands_for_the_defaults},
    {"a hundred thousand brackets", too_deep},
    {"schemas are closed objects", schemas_are_closed_objects},
    {"every option is documented", every_property_is_documented},
    {"every option takes its default", every_default_is_taken},
    {"every option refuses other types", every_other_type_is_refused},
    {"every option refuses what is out of range", every_range_holds},
    {"every option refuses to be given twice", every_duplicate_is_refused},
    {"seeds span 64 bits", seeds},
};
CHECK_MAIN(tests)
