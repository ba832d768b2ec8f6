// The driver's library of the pretended GPUs: what nvidia-ml-py asks, answered from their folder (see gpus.py).

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;
using Result = int;
constexpr Result SUCCESS = 0, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, LOST = 15;

struct Memory {
  unsigned long long total, free, used;
};
struct Process {
  unsigned int pid;
  unsigned long long used;
  unsigned int gpu_instance, compute_instance;
};
struct Utilization {
  unsigned int gpu, memory;
};

static std::vector<std::string> gpus;  // their UUIDs; a handle is a pointer into this

static fs::path folder() { return std::getenv("IDEMTUI_PRETENDED_GPUS"); }

static unsigned long long number(const fs::path& file) {
  unsigned long long found = 0;
  std::ifstream(file) >> found;
  return found;
}

// A GPU whose folder is gone fell off its bus: the driver still counts it.
static Result reached(void** handle, std::string* gpu) {
  return fs::exists(folder() / *gpu) ? (*handle = gpu, SUCCESS) : LOST;
}

static std::vector<Process> running(const std::string& gpu) {
  std::vector<Process> found;
  if (!fs::exists(folder() / gpu)) return found;
  for (const auto& entry : fs::directory_iterator(folder() / gpu / "processes")) {
    const int pid = std::atoi(entry.path().filename().c_str());
    if (kill(pid, 0) != 0) continue;
    unsigned long long held = 0;
    std::ifstream(entry.path(), std::ios::binary).read(reinterpret_cast<char*>(&held), sizeof held);
    found.push_back({static_cast<unsigned int>(pid), held, ~0u, ~0u});
  }
  return found;
}

static const std::string& name_of(void* handle) { return *static_cast<std::string*>(handle); }

static Result text(char* to, unsigned int size, const std::string& from) {
  std::snprintf(to, size, "%s", from.c_str());
  return SUCCESS;
}

extern "C" {
Result nvmlInitWithFlags(unsigned int) {
  if (!gpus.empty()) return SUCCESS;
  for (const auto& entry : fs::directory_iterator(folder())) gpus.push_back(entry.path().filename());
  std::sort(gpus.begin(), gpus.end());
  return SUCCESS;
}
Result nvmlShutdown() { return SUCCESS; }
const char* nvmlErrorString(Result result) {
  return result == NOT_FOUND ? "Not Found" : result == LOST ? "GPU is lost" : "Unknown Error";
}
Result nvmlSystemGetDriverVersion(char* to, unsigned int size) { return text(to, size, "590.48.01"); }
Result nvmlSystemGetCudaDriverVersion(int* version) { return *version = 13010, SUCCESS; }
Result nvmlDeviceGetCount_v2(unsigned int* count) {
  *count = gpus.size();
  return number(folder().replace_extension(".fails"));
}
Result nvmlDeviceGetHandleByIndex_v2(unsigned int index, void** handle) {
  return index < gpus.size() ? reached(handle, &gpus[index]) : NOT_FOUND;
}
Result nvmlDeviceGetHandleByUUID(const char* uuid, void** handle) {
  const auto found = std::find(gpus.begin(), gpus.end(), uuid);
  return found != gpus.end() ? reached(handle, &*found) : NOT_FOUND;
}
Result nvmlDeviceGetUUID(void* handle, char* to, unsigned int size) { return text(to, size, name_of(handle)); }
Result nvmlDeviceGetName(void*, char* to, unsigned int size) { return text(to, size, "Pretended GPU"); }
Result nvmlDeviceGetMemoryInfo(void* handle, Memory* memory) {
  memory->total = number(folder() / name_of(handle) / "total");
  memory->used = number(folder() / name_of(handle) / "others");
  for (const auto& process : running(name_of(handle))) memory->used += process.used;
  memory->free = memory->total - memory->used;
  return SUCCESS;
}
Result nvmlDeviceGetComputeRunningProcesses_v3(void* handle, unsigned int* count, Process* to) {
  const auto found = running(name_of(handle));
  const auto room = *count;
  *count = found.size();
  if (room < found.size()) return INSUFFICIENT_SIZE;
  std::copy(found.begin(), found.end(), to);
  return SUCCESS;
}
Result nvmlDeviceGetUtilizationRates(void* handle, Utilization* rates) {
  *rates = {running(name_of(handle)).empty() ? 0u : 60u, 30u};
  return SUCCESS;
}
Result nvmlDeviceGetPowerUsage(void*, unsigned int* milliwatts) { return *milliwatts = 321000, SUCCESS; }
Result nvmlDeviceGetTemperature(void*, int, unsigned int* celsius) { return *celsius = 54, SUCCESS; }
}
