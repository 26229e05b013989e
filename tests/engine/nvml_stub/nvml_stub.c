/* A stand-in for libnvidia-ml.so.1: what it answers stands in the text file that NVML_STUB_STATE names,
 * read anew at each call, so that a test changes the GPU while telemetry runs.
 *
 * One "key value" a line; a quantity the file does not name answers NVML_ERROR_NOT_SUPPORTED.
 *   init.error N      nvmlInit fails with N            error N           every device call fails with N
 *   KEY.error N       one quantity fails with N        processes PID:BYTES,PID:BYTES
 *   hang PATH         every device call waits until a writer of the FIFO at PATH closes it
 *   names A,B  uuids A,B   one for each device; all devices share the other quantities
 *
 * OLD_DRIVER leaves out what a Pascal card's driver of 2020 lacks.
 */
#include <nvml.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(nvmlMemory_v2 == 0x02000028, "the struct version that pynvml sends");

static int initialised;
static int lost; /* once seen, until everybody has let go of the library */

/* The value of a key; 0 where the file has none. */
static int find(const char *key, char *value, size_t size)
{
    const char *path = getenv("NVML_STUB_STATE");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[1024];
    size_t length = strlen(key);
    int found = 0;
    while (file && !found && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, length) == 0 && line[length] == ' ') {
            line[strcspn(line, "\n")] = 0;
            snprintf(value, size, "%s", line + length + 1);
            found = 1;
        }
    }
    if (file)
        fclose(file);
    return found;
}

static nvmlReturn_t error_at(const char *key)
{
    char text[64];
    return find(key, text, sizeof text) ? (nvmlReturn_t)atoi(text) : NVML_SUCCESS;
}

static nvmlReturn_t alive(void)
{
    char path[512];
    nvmlReturn_t error;
    if (find("hang", path, sizeof path)) {
        FILE *fifo = fopen(path, "r");
        while (fifo && fgetc(fifo) != EOF)
            ;
        if (fifo)
            fclose(fifo);
    }
    error = error_at("error");
    lost |= error == NVML_ERROR_GPU_IS_LOST;
    if (!initialised)
        return NVML_ERROR_UNINITIALIZED;
    return lost ? NVML_ERROR_GPU_IS_LOST : error;
}

static nvmlReturn_t ask_text(const char *key, char *value, size_t size)
{
    char error_key[64];
    nvmlReturn_t error = alive();
    if (error != NVML_SUCCESS)
        return error;
    snprintf(error_key, sizeof error_key, "%s.error", key);
    error = error_at(error_key);
    if (error != NVML_SUCCESS)
        return error;
    return find(key, value, size) ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
}

static nvmlReturn_t ask(const char *key, unsigned long long *value)
{
    char text[64];
    nvmlReturn_t error = ask_text(key, text, sizeof text);
    if (error == NVML_SUCCESS)
        *value = strtoull(text, NULL, 0);
    return error;
}

static nvmlReturn_t ask_int(const char *key, unsigned int *value)
{
    unsigned long long wide = 0;
    nvmlReturn_t error = ask(key, &wide);
    if (error == NVML_SUCCESS)
        *value = (unsigned int)wide;
    return error;
}

/* The device's own part of a comma-separated list. */
static nvmlReturn_t ask_part(const char *key, unsigned int index, char *part, size_t size)
{
    char list[1024], *rest = list, *item;
    nvmlReturn_t error = ask_text(key, list, sizeof list);
    if (error != NVML_SUCCESS)
        return error;
    while ((item = strsep(&rest, ",")))
        if (index-- == 0) {
            snprintf(part, size, "%s", item);
            return NVML_SUCCESS;
        }
    return NVML_ERROR_INVALID_ARGUMENT;
}

static nvmlDevice_t device_of(unsigned int index) { return (nvmlDevice_t)(uintptr_t)(index + 1); }
static unsigned int index_of(nvmlDevice_t device) { return (unsigned int)(uintptr_t)device - 1; }

nvmlReturn_t nvmlInitWithFlags(unsigned int flags)
{
    nvmlReturn_t error = error_at("init.error");
    (void)flags;
    initialised += error == NVML_SUCCESS;
    return error;
}

nvmlReturn_t nvmlShutdown(void)
{
    if (!initialised)
        return NVML_ERROR_UNINITIALIZED;
    if (--initialised == 0)
        lost = 0;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length)
{
    return ask_text("driver", version, length);
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *count)
{
    char name[64];
    nvmlReturn_t error;
    for (*count = 0; (error = ask_part("names", *count, name, sizeof name)) == NVML_SUCCESS;)
        ++*count;
    return error == NVML_ERROR_INVALID_ARGUMENT ? NVML_SUCCESS : error;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device)
{
    char name[64];
    *device = device_of(index);
    return ask_part("names", index, name, sizeof name);
}

nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device)
{
    char candidate[96];
    nvmlReturn_t error;
    for (unsigned int i = 0; (error = ask_part("uuids", i, candidate, sizeof candidate)) == NVML_SUCCESS; i++)
        if (strcmp(candidate, uuid) == 0) {
            *device = device_of(i);
            return NVML_SUCCESS;
        }
    return error == NVML_ERROR_INVALID_ARGUMENT ? NVML_ERROR_NOT_FOUND : error;
}

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned int length)
{
    return ask_part("names", index_of(device), name, length);
}

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned int length)
{
    return ask_part("uuids", index_of(device), uuid, length);
}

static nvmlReturn_t ask_memory(nvmlMemory_v2_t *memory)
{
    unsigned long long total = 0, used = 0, reserved = 0;
    nvmlReturn_t error = ask("memory_total", &total);
    if (error == NVML_SUCCESS)
        error = ask("memory_used", &used);
    if (error == NVML_SUCCESS)
        error = ask("memory_reserved", &reserved);
    memory->total = total;
    memory->reserved = reserved;
    memory->used = used;
    memory->free = total - reserved - used;
    return error;
}

/* The first version counts the driver's own memory as used. */
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory)
{
    nvmlMemory_v2_t all;
    nvmlReturn_t error = ask_memory(&all);
    (void)device;
    *memory = (nvmlMemory_t){.total = all.total, .free = all.free, .used = all.used + all.reserved};
    return error;
}

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *utilization)
{
    (void)device;
    return ask_int("utilisation", &utilization->gpu);
}

nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, nvmlTemperatureSensors_t sensor, unsigned int *temp)
{
    (void)device;
    return sensor == NVML_TEMPERATURE_GPU ? ask_int("temperature", temp) : NVML_ERROR_INVALID_ARGUMENT;
}

nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned int *milliwatts)
{
    (void)device;
    return ask_int("power_mw", milliwatts);
}

nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, nvmlClockType_t type, unsigned int *mhz)
{
    (void)device;
    return ask_int(type == NVML_CLOCK_MEM ? "memory_clock" : "sm_clock", mhz);
}

nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t device, unsigned long long *reasons)
{
    (void)device;
    return ask("throttle", reasons);
}

/* As the driver does: a caller whose room is too small is told how many there are. */
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(
    nvmlDevice_t device, unsigned int *count, nvmlProcessInfo_t *processes)
{
    char list[1024], *rest = list, *item;
    unsigned int room = *count, there = 0;
    nvmlReturn_t error = ask_text("processes", list, sizeof list);
    (void)device;
    if (error != NVML_SUCCESS)
        return error;
    while ((item = strsep(&rest, ","))) {
        unsigned int pid;
        unsigned long long bytes;
        if (sscanf(item, "%u:%llu", &pid, &bytes) != 2)
            continue;
        if (processes && there < room)
            processes[there] = (nvmlProcessInfo_t){.pid = pid, .usedGpuMemory = bytes};
        there++;
    }
    *count = there;
    return there > room ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}

#ifndef OLD_DRIVER
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory)
{
    (void)device;
    return memory->version == nvmlMemory_v2 ? ask_memory(memory) : NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
}

nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device, nvmlTemperature_t *temperature)
{
    unsigned int celsius = 0;
    nvmlReturn_t error;
    (void)device;
    if (temperature->version != nvmlTemperature_v1)
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    error = temperature->sensorType == NVML_TEMPERATURE_GPU ? ask_int("temperature", &celsius)
                                                            : NVML_ERROR_INVALID_ARGUMENT;
    temperature->temperature = (int)celsius;
    return error;
}

nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t device, unsigned long long *reasons)
{
    (void)device;
    return ask("throttle", reasons);
}

nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *millijoules)
{
    (void)device;
    return ask("energy_mj", millijoules);
}
#endif
