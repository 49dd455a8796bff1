/* A USB camera for programs that speak Video4Linux, without a kernel driver.
 *
 *   gcc -shared -fPIC -O2 -o usb_camera.so usb_camera.c
 *   USB_CAMERA=/dev/shm/video0 USB_CAMERA_FRAMES=FOLDER LD_PRELOAD=./usb_camera.so PROGRAM
 *
 * It stands between the program and the C library: whoever opens the path in USB_CAMERA gets a
 * timer's descriptor, and the ioctls and mmaps on it are answered here as the kernel's uvcvideo
 * answers them. FOLDER has a folder for each format that the camera offers, named FOURCC-WxH
 * (`MJPG-640x480`), with the frames as files 0, 1, 2, ... in it, byte for byte; after the last one
 * comes the first again. The first format is that of USB_CAMERA_FORMAT.
 *
 *   USB_CAMERA_FORMAT   the format at the start, such as YUYV; MJPG without it
 *   USB_CAMERA_FPS      frames a second; 30 without it
 *   USB_CAMERA_UNPLUG   the number of the frame at which the camera is pulled out
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define BUFFERS 8

static struct {
    int fd;
    struct v4l2_pix_format format;
    unsigned fps, frame, place, buffers; /* frames so far; the next one's file */
    void *memory[BUFFERS];
    unsigned queue[BUFFERS], queued; /* what the program has given back, oldest first */
} camera = {.fd = -1};

static void *libc(const char *name) { return dlsym(RTLD_NEXT, name); }

static long setting(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

/* Takes over a format if the camera offers it; real drivers keep the one they have otherwise. */
static void choose_format(unsigned wanted) {
    DIR *folder = opendir(getenv("USB_CAMERA_FRAMES"));
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        char code[5];
        unsigned width, height;
        if (sscanf(entry->d_name, "%4c-%ux%u", code, &width, &height) != 3) continue;
        if (v4l2_fourcc(code[0], code[1], code[2], code[3]) != wanted) continue;
        camera.format = (struct v4l2_pix_format){
            .width = width, .height = height, .pixelformat = wanted, .field = V4L2_FIELD_NONE,
            .sizeimage = width * height * 4};
    }
    if (folder) closedir(folder);
}

static void set_pace(void) {
    long ns = 1000000000L / camera.fps;
    struct itimerspec pace = {.it_interval = {ns / 1000000000, ns % 1000000000}};
    pace.it_value = pace.it_interval;
    timerfd_settime(camera.fd, 0, &pace, NULL);
}

static int open_camera(void) {
    const char *first = getenv("USB_CAMERA_FORMAT");
    if (!first) first = "MJPG";
    camera.frame = camera.place = camera.queued = camera.buffers = 0;
    camera.fps = setting("USB_CAMERA_FPS", 30);
    camera.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    choose_format(v4l2_fourcc(first[0], first[1], first[2], first[3]));
    return camera.fd;
}

static FILE *open_frame(unsigned number) {
    char path[4096];
    unsigned code = camera.format.pixelformat;
    snprintf(path, sizeof path, "%s/%.4s-%ux%u/%u", getenv("USB_CAMERA_FRAMES"),
             (const char *)&code, camera.format.width, camera.format.height, number);
    return fopen(path, "rb");
}

/* Puts the next frame's bytes into a buffer; returns how many there are. */
static unsigned fill(void *memory) {
    FILE *file = open_frame(camera.place);
    if (!file) file = open_frame(camera.place = 0);
    if (!file) return 0;
    unsigned size = fread(memory, 1, camera.format.sizeimage, file);
    fclose(file);
    camera.place++;
    return size;
}

static int take_back(struct v4l2_buffer *buffer) {
    if (buffer->index >= camera.buffers || camera.queued == BUFFERS) return EINVAL;
    camera.queue[camera.queued++] = buffer->index;
    return 0;
}

static int hand_out(struct v4l2_buffer *buffer) {
    unsigned long long ticks;
    if (camera.frame >= setting("USB_CAMERA_UNPLUG", 1L << 40)) return ENODEV;
    if (!camera.queued || read(camera.fd, &ticks, sizeof ticks) < 0) return EAGAIN;
    buffer->index = camera.queue[0];
    memmove(camera.queue, camera.queue + 1, --camera.queued * sizeof *camera.queue);
    buffer->sequence = camera.frame++;
    buffer->bytesused = fill(camera.memory[buffer->index]);
    buffer->length = camera.format.sizeimage;
    buffer->flags = V4L2_BUF_FLAG_MAPPED | V4L2_BUF_FLAG_DONE;
    return 0;
}

/* Answers one ioctl; returns 0 or the error's number. */
static int answer(unsigned long request, void *asked) {
    switch (request) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *is = asked;
        strcpy((char *)is->driver, "uvcvideo");
        strcpy((char *)is->card, "USB camera");
        is->capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        return 0;
    }
    case VIDIOC_S_FMT:
        if (camera.buffers) return EBUSY;
        choose_format(((struct v4l2_format *)asked)->fmt.pix.pixelformat);
        /* fall through */
    case VIDIOC_G_FMT:
        ((struct v4l2_format *)asked)->fmt.pix = camera.format;
        return 0;
    case VIDIOC_S_PARM:
    case VIDIOC_G_PARM: {
        struct v4l2_captureparm *is = &((struct v4l2_streamparm *)asked)->parm.capture;
        is->timeperframe = (struct v4l2_fract){1, camera.fps};
        return 0;
    }
    case VIDIOC_REQBUFS: {
        struct v4l2_requestbuffers *wanted = asked;
        camera.buffers = wanted->count = wanted->count < BUFFERS ? wanted->count : BUFFERS;
        camera.queued = 0;
        return 0;
    }
    case VIDIOC_QUERYBUF: {
        struct v4l2_buffer *buffer = asked;
        if (buffer->index >= camera.buffers) return EINVAL;
        buffer->length = camera.format.sizeimage;
        buffer->m.offset = buffer->index * 0x1000;
        return 0;
    }
    case VIDIOC_QBUF: return take_back(asked);
    case VIDIOC_DQBUF: return hand_out(asked);
    case VIDIOC_STREAMON: set_pace(); return 0;
    case VIDIOC_STREAMOFF: camera.queued = 0; return 0;
    case VIDIOC_S_INPUT: return 0;
    case VIDIOC_G_INPUT: *(int *)asked = 0; return 0;
    case VIDIOC_ENUMINPUT: return ((struct v4l2_input *)asked)->index ? EINVAL : 0;
    default: return ENOTTY;
    }
}

static int is_camera(const char *path) {
    const char *mine = getenv("USB_CAMERA");
    return mine && strcmp(path, mine) == 0;
}

#define OPEN(name)                                                     \
    int name(const char *path, int flags, ...) {                       \
        va_list more;                                                  \
        va_start(more, flags);                                         \
        mode_t mode = va_arg(more, mode_t);                            \
        va_end(more);                                                  \
        if (is_camera(path)) return open_camera();                     \
        int (*next)(const char *, int, ...) = libc(#name);             \
        return next(path, flags, mode);                                \
    }

OPEN(open)
OPEN(open64)

int ioctl(int fd, unsigned long request, ...) {
    va_list more;
    va_start(more, request);
    void *asked = va_arg(more, void *);
    va_end(more);
    if (fd != camera.fd || fd < 0) {
        int (*next)(int, unsigned long, ...) = libc("ioctl");
        return next(fd, request, asked);
    }
    int error = answer(request & 0xFFFFFFFF, asked);
    if (error) errno = error;
    return error ? -1 : 0;
}

#define MMAP(name, offset_type)                                                               \
    void *name(void *at, size_t length, int may, int flags, int fd, offset_type offset) {     \
        void *(*next)(void *, size_t, int, int, int, offset_type) = libc(#name);              \
        if (fd != camera.fd || fd < 0) return next(at, length, may, flags, fd, offset);       \
        flags |= MAP_ANONYMOUS;                                                               \
        return camera.memory[offset / 0x1000] = next(at, length, may | PROT_WRITE, flags, -1, 0); \
    }

MMAP(mmap, off_t)
MMAP(mmap64, off64_t)

int close(int fd) {
    int (*next)(int) = libc("close");
    if (fd >= 0 && fd == camera.fd) camera.fd = -1;
    return next(fd);
}
