/*
 * Text to image in a window of GTK 4: a prompt, a progress bar, a preview after every step, and a button that cancels.
 *
 *     text_to_image MODEL [PROMPT]                                        waits for a person
 *     text_to_image MODEL PROMPT OUT.png [--seed N] [--steps N] [--cancel-after FRACTION]
 *                                                                         makes one image, writes it and quits
 *
 * A thread of GTask computes. It tells the main loop how far it is, and a GCancellable tells it to stop.
 */
#include <gtk/gtk.h>
#include <pixart.h>

#include <stdlib.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(pixart_encoder, pixart_encoder_release)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(pixart_denoiser, pixart_denoiser_release)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(pixart_sampler, pixart_sampler_release)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(pixart_decoder, pixart_decoder_release)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(pixart_tensor, pixart_tensor_release)

typedef struct {
    const char *model, *prompt, *output; /* output is NULL if a person uses the window */
    gint64 seed, steps;
    double cancel_after; /* above 1 for never */

    GtkWidget *window, *picture, *entry, *bar, *start, *cancel;
    GCancellable *cancellable; /* of the run; NULL if there is none */
    gint64 started, cancelled; /* microseconds */
    int exit_code;

    GMutex lock; /* of what the worker tells the main loop */
    struct {
        double fraction;
        GdkTexture *preview; /* NULL if there is no new one */
        gboolean pending;    /* the main loop will look */
    } news;
} App;

/* ---- The worker's thread ----------------------------------------------------------------------------------------- */

typedef struct {
    App *app;
    char *prompt;
    GCancellable *cancellable;
    pixart_sampler *sampler; /* while it runs */
    GError **error;
} Job;

/* Turns a failure into a GError. The message is the thread's, so it is read by the thread that made the call. */
static gboolean holds(Job *job, pixart_status status) {
    if (status == PIXART_OK)
        return TRUE;
    if (status == PIXART_CANCELLED)
        g_set_error(job->error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s", pixart_error_message());
    else
        g_set_error(job->error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", pixart_status_name(status),
                    pixart_error_message());
    return FALSE;
}

/* Wraps an image without copying it. */
static GdkTexture *texture(pixart_tensor *image) {
    const gint64 *shape = pixart_tensor_shape(image); /* [1, H, W, 3] */
    GBytes *bytes = g_bytes_new_with_free_func(pixart_tensor_data(image), pixart_tensor_size(image),
                                               (GDestroyNotify)pixart_tensor_release, image);
    GdkTexture *texture =
        gdk_memory_texture_new((int)shape[2], (int)shape[1], GDK_MEMORY_R8G8B8, bytes, (gsize)shape[2] * 3);
    g_bytes_unref(bytes);
    return texture;
}

static gboolean show_news(gpointer data);

/* Tells the main loop the newest state. If it is slow, it sees the last state and not a queue of old ones. */
static void tell(App *app, double fraction, GdkTexture *preview) {
    g_mutex_lock(&app->lock);
    app->news.fraction = fraction;
    if (preview)
        g_set_object(&app->news.preview, preview);
    if (!app->news.pending)
        g_idle_add(show_news, app);
    app->news.pending = TRUE;
    g_mutex_unlock(&app->lock);
}

/* The callback of every call. */
static int32_t go_on(void *context, int64_t step, int64_t steps, double fraction) {
    Job *job = context;
    (void)step, (void)steps;
    if (job->sampler) {
        gint64 done = pixart_sampler_step_index(job->sampler), all = pixart_sampler_steps(job->sampler);
        double share = ((double)done + fraction) / (double)all;
        g_printerr("\rstep %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT ", %3.0f%%", done, all, share * 100);
        tell(job->app, share, NULL);
    }
    return g_cancellable_is_cancelled(job->cancellable);
}

static gboolean denoise(Job *job, const pixart_tensor *prompt, const pixart_tensor *negative, pixart_tensor **out) {
    g_autoptr(pixart_denoiser) denoiser = NULL;
    g_autoptr(pixart_sampler) sampler = NULL;
    g_autofree char *options =
        g_strdup_printf("{\"seed\": %" G_GINT64_FORMAT ", \"num_inference_steps\": %" G_GINT64_FORMAT "}",
                        job->app->seed, job->app->steps);
    if (!holds(job, pixart_denoiser_open(job->app->model, NULL, go_on, job, &denoiser)) ||
        !holds(job, pixart_sampler_create(denoiser, prompt, negative, options, &sampler)))
        return FALSE;
    gint64 steps = pixart_sampler_steps(sampler);
    for (gint64 done = 0; done < steps;) {
        pixart_tensor *preview;
        job->sampler = sampler;
        gboolean stepped = holds(job, pixart_sampler_step(sampler, go_on, job));
        job->sampler = NULL;
        if (!stepped || !holds(job, pixart_sampler_preview(sampler, NULL, &preview)))
            return FALSE;
        done = pixart_sampler_step_index(sampler);
        g_autoptr(GdkTexture) seen = texture(preview);
        tell(job->app, (double)done / (double)steps, seen);
    }
    g_printerr("\rstep %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT ", 100%%\n", steps, steps);
    return holds(job, pixart_sampler_latents(sampler, out));
}

/* Each stage is released before the next one opens, so at most one network is in memory. */
static gboolean encode(Job *job, pixart_tensor **prompt, pixart_tensor **negative) {
    g_autoptr(pixart_encoder) encoder = NULL;
    return holds(job, pixart_encoder_open(job->app->model, NULL, go_on, job, &encoder)) &&
           holds(job, pixart_encode(encoder, job->prompt, NULL, go_on, job, prompt)) &&
           holds(job, pixart_encode(encoder, "", NULL, go_on, job, negative));
}

static gboolean decode(Job *job, const pixart_tensor *latents, pixart_tensor **images) {
    g_autoptr(pixart_decoder) decoder = NULL;
    return holds(job, pixart_decoder_open(job->app->model, NULL, go_on, job, &decoder)) &&
           holds(job, pixart_decode(decoder, latents, NULL, go_on, job, images));
}

static void work(GTask *task, gpointer source, gpointer data, GCancellable *cancellable) {
    (void)source;
    Job *job = data;
    GError *error = NULL;
    g_autoptr(pixart_tensor) prompt = NULL, negative = NULL, latents = NULL, images = NULL;
    job->cancellable = cancellable;
    job->error = &error;
    if (encode(job, &prompt, &negative) && denoise(job, prompt, negative, &latents) && decode(job, latents, &images) &&
        (!job->app->output || holds(job, pixart_image_write(images, 0, job->app->output, NULL))))
        g_task_return_pointer(task, texture(g_steal_pointer(&images)), g_object_unref);
    else
        g_task_return_error(task, error);
}

static void job_free(gpointer data) {
    Job *job = data;
    g_free(job->prompt);
    g_free(job);
}

/* ---- The main loop ----------------------------------------------------------------------------------------------- */

static gboolean show_news(gpointer data) {
    App *app = data;
    g_mutex_lock(&app->lock);
    double fraction = app->news.fraction;
    g_autoptr(GdkTexture) preview = g_steal_pointer(&app->news.preview);
    app->news.pending = FALSE;
    g_mutex_unlock(&app->lock);
    if (!app->cancellable) /* the run has ended */
        return G_SOURCE_REMOVE;
    gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(app->bar), CLAMP(fraction, 0, 1));
    if (preview)
        gtk_picture_set_paintable(GTK_PICTURE(app->picture), GDK_PAINTABLE(preview));
    if (fraction >= app->cancel_after && !g_cancellable_is_cancelled(app->cancellable))
        g_signal_emit_by_name(app->cancel, "clicked"); /* as a person would */
    return G_SOURCE_REMOVE;
}

static void set_running(App *app, gboolean running) {
    gtk_widget_set_sensitive(app->start, !running);
    gtk_editable_set_editable(GTK_EDITABLE(app->entry), !running);
    gtk_widget_set_sensitive(app->cancel, running);
}

/* Prints the line of the run that nobody watches. */
static void print_result(App *app, gboolean cancelled, gint64 ended) {
    char seconds[G_ASCII_DTOSTR_BUF_SIZE], cancel_seconds[G_ASCII_DTOSTR_BUF_SIZE] = "null";
    g_ascii_dtostr(seconds, sizeof seconds, (double)(ended - app->started) / G_USEC_PER_SEC);
    if (cancelled)
        g_ascii_dtostr(cancel_seconds, sizeof cancel_seconds, (double)(ended - app->cancelled) / G_USEC_PER_SEC);
    g_print("{\"language\": \"C, GTK\", \"version\": \"%u.%u.%u\", \"seconds\": %s, \"cancelled\": %s, "
            "\"cancel_seconds\": %s}\n",
            gtk_get_major_version(), gtk_get_minor_version(), gtk_get_micro_version(), seconds,
            cancelled ? "true" : "false", cancel_seconds);
}

static void finished(GObject *source, GAsyncResult *result, gpointer data) {
    (void)source;
    App *app = data;
    gint64 ended = g_get_monotonic_time();
    g_autoptr(GError) error = NULL;
    g_autoptr(GdkTexture) image = g_task_propagate_pointer(G_TASK(result), &error);
    gboolean cancelled = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_clear_object(&app->cancellable);
    set_running(app, FALSE);
    gtk_progress_bar_set_text(GTK_PROGRESS_BAR(app->bar), image ? "done" : cancelled ? "cancelled" : error->message);
    if (image) {
        gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(app->bar), 1);
        gtk_picture_set_paintable(GTK_PICTURE(app->picture), GDK_PAINTABLE(image));
    } else {
        g_printerr("%s%s\n", cancelled ? "\n" : "", error->message);
    }
    if (!app->output)
        return;
    app->exit_code = image ? 0 : cancelled ? 2 : 1;
    if (image || cancelled)
        print_result(app, cancelled, ended);
    gtk_window_destroy(GTK_WINDOW(app->window)); /* the last window: the application ends */
}

static void start(GtkWidget *widget, gpointer data) {
    (void)widget;
    App *app = data;
    if (app->cancellable) /* Enter was pressed in the prompt */
        return;
    app->started = g_get_monotonic_time();
    app->cancellable = g_cancellable_new();
    set_running(app, TRUE);
    gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(app->bar), 0);
    gtk_progress_bar_set_text(GTK_PROGRESS_BAR(app->bar), NULL); /* the share */
    Job *job = g_new0(Job, 1);
    job->app = app;
    job->prompt = g_strdup(gtk_editable_get_text(GTK_EDITABLE(app->entry)));
    g_autoptr(GTask) task = g_task_new(NULL, app->cancellable, finished, app);
    g_task_set_check_cancellable(task, FALSE); /* what the library returns counts: an image may be complete */
    g_task_set_task_data(task, job, job_free);
    g_task_run_in_thread(task, work);
}

static void cancel(GtkWidget *widget, gpointer data) {
    (void)widget;
    App *app = data;
    app->cancelled = g_get_monotonic_time();
    g_cancellable_cancel(app->cancellable);
}

/* A window that is closed in a run waits for its end, which a cancelled run reaches at once. */
static gboolean close_window(GtkWindow *window, gpointer data) {
    App *app = data;
    if (app->cancellable)
        cancel(GTK_WIDGET(window), app);
    while (app->cancellable)
        g_main_context_iteration(NULL, TRUE);
    return FALSE;
}

static GtkWidget *button(const char *label, GCallback clicked, App *app) {
    GtkWidget *button = gtk_button_new_with_label(label);
    g_signal_connect(button, "clicked", clicked, app);
    gtk_widget_set_hexpand(button, TRUE);
    return button;
}

static void activate(GtkApplication *application, gpointer data) {
    App *app = data;
    app->window = gtk_application_window_new(application);
    gtk_window_set_title(GTK_WINDOW(app->window), "PixArt");
    gtk_window_set_default_size(GTK_WINDOW(app->window), 420, 520);
    g_signal_connect(app->window, "close-request", G_CALLBACK(close_window), app);
    app->picture = gtk_picture_new();
    gtk_widget_set_vexpand(app->picture, TRUE);
    app->entry = gtk_entry_new();
    gtk_editable_set_text(GTK_EDITABLE(app->entry), app->prompt);
    g_signal_connect(app->entry, "activate", G_CALLBACK(start), app);
    app->bar = gtk_progress_bar_new();
    gtk_progress_bar_set_show_text(GTK_PROGRESS_BAR(app->bar), TRUE);
    gtk_progress_bar_set_ellipsize(GTK_PROGRESS_BAR(app->bar), PANGO_ELLIPSIZE_END);
    gtk_progress_bar_set_text(GTK_PROGRESS_BAR(app->bar), "");
    app->start = button("Make image", G_CALLBACK(start), app);
    app->cancel = button("Cancel", G_CALLBACK(cancel), app);
    GtkWidget *row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 8), *column = gtk_box_new(GTK_ORIENTATION_VERTICAL, 8);
    gtk_box_append(GTK_BOX(row), app->start);
    gtk_box_append(GTK_BOX(row), app->cancel);
    GtkWidget *const widgets[] = {app->picture, app->entry, app->bar, row};
    for (gsize i = 0; i < G_N_ELEMENTS(widgets); i++)
        gtk_box_append(GTK_BOX(column), widgets[i]);
    gtk_widget_set_margin_start(column, 12);
    gtk_widget_set_margin_end(column, 12);
    gtk_widget_set_margin_top(column, 12);
    gtk_widget_set_margin_bottom(column, 12);
    gtk_window_set_child(GTK_WINDOW(app->window), column);
    set_running(app, FALSE);
    gtk_window_present(GTK_WINDOW(app->window));
    if (app->output)
        start(NULL, app);
}

/* Reads what follows MODEL, PROMPT and OUT.png. */
static gboolean parse_options(App *app, int argc, char **argv) {
    for (int i = 4; i + 1 < argc; i += 2) {
        char *end;
        if (!strcmp(argv[i], "--seed"))
            app->seed = g_ascii_strtoll(argv[i + 1], &end, 10);
        else if (!strcmp(argv[i], "--steps"))
            app->steps = g_ascii_strtoll(argv[i + 1], &end, 10);
        else if (!strcmp(argv[i], "--cancel-after"))
            app->cancel_after = g_ascii_strtod(argv[i + 1], &end);
        else
            return FALSE;
        if (*end || end == argv[i + 1])
            return FALSE;
    }
    return argc <= 4 || argc % 2 == 0;
}

int main(int argc, char **argv) {
    App app = {.seed = 7, .steps = 20, .cancel_after = 2};
    gboolean known = parse_options(&app, argc, argv);
    if (argc < 2 || !known) {
        g_printerr("usage: text_to_image MODEL [PROMPT [OUT.png [--seed N] [--steps N] [--cancel-after FRACTION]]]\n");
        return 1;
    }
    app.model = argv[1];
    app.prompt = argc > 2 ? argv[2] : "a cute cat face on a blue background";
    app.output = argc > 3 ? argv[3] : NULL;
    g_mutex_init(&app.lock);
    g_autoptr(GtkApplication) application = gtk_application_new(NULL, G_APPLICATION_NON_UNIQUE);
    g_signal_connect(application, "activate", G_CALLBACK(activate), &app);
    int status = g_application_run(G_APPLICATION(application), 1, argv);
    g_clear_object(&app.news.preview);
    g_mutex_clear(&app.lock);
    return status ? status : app.exit_code;
}
