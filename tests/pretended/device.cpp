// A GPU that computes on the CPU: tensors on "cuda" whose numbers are real, whose memory ends at a limit and is counted,
// and which refuse, as a GPU does, to be computed with tensors that lie elsewhere.

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/resize_native.h>
#include <ATen/ops/repeat_interleave.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <ATen/ops/zeros_like.h>
#include <ATen/native/Resize.h>
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

namespace fs = std::filesystem;

namespace {

const c10::Device GPU(c10::DeviceType::CUDA, 0);

// The GPU's folder: IDEMTUI_PRETENDED_GPUS has one for each, named by its UUID (see gpus.py).
fs::path find() {
  const fs::path all = std::getenv("IDEMTUI_PRETENDED_GPUS");
  const char* shown = std::getenv("CUDA_VISIBLE_DEVICES");
  if (shown && fs::exists(all / shown)) return all / shown;
  std::vector<fs::path> found(fs::directory_iterator(all), {});
  return *std::min_element(found.begin(), found.end());
}

const fs::path& folder() {
  static const fs::path found = find();
  return found;
}

size_t number(const fs::path& file) {
  size_t found = 0;
  std::ifstream(file) >> found;
  return found;
}

// Where this process tells the driver's library how much memory it holds.
std::atomic<size_t>& told() {
  const auto file = folder() / "processes" / std::to_string(getpid());
  const int opened = open(file.c_str(), O_RDWR | O_CREAT, 0600);
  TORCH_CHECK(ftruncate(opened, sizeof(size_t)) == 0, "no room for ", file);
  return *static_cast<std::atomic<size_t>*>(mmap(nullptr, sizeof(size_t), PROT_READ | PROT_WRITE, MAP_SHARED, opened, 0));
}

// Only a process that holds memory is told of, as with a GPU's contexts.
std::atomic<size_t>& allocated() {
  static std::atomic<size_t>& here = told();
  return here;
}

std::atomic<size_t> peak{0};
const size_t total = number(folder() / "total");

size_t free_now() {
  size_t used = number(folder() / "others");
  for (const auto& entry : fs::directory_iterator(folder() / "processes")) {
    size_t held = 0;
    if (kill(std::stoi(entry.path().filename()), 0) == 0) std::ifstream(entry.path(), std::ios::binary).read(reinterpret_cast<char*>(&held), sizeof held);
    used += held;
  }
  return used < total ? total - used : 0;
}

// Memory.

// Once it was seen to be broken it answers nothing more in this process, as CUDA after a kernel failed.
std::atomic<bool> broken{false};

// What this process may hold: looked up once a thousand allocations, as others come and go seldom.
size_t limit() {
  static thread_local size_t asked = 0, most = 0;
  if (asked++ % 1000 == 0) {
    if (!fs::exists(folder() / "total") || fs::exists(folder() / "broken")) broken = true;
    most = broken ? 0 : free_now() + allocated();
  }
  if (broken) throw c10::AcceleratorError({__func__, __FILE__, __LINE__}, 719, "CUDA error: unspecified launch failure");
  return most;
}

struct Block {
  void* start;
  size_t size;
};

void release(void* context) {
  auto* block = static_cast<Block*>(context);
  allocated() -= block->size;
  std::free(block->start);
  delete block;
}

struct Memory final : c10::Allocator {
  c10::DataPtr allocate(size_t size) override {
    if (size == 0) return {nullptr, nullptr, &release_nothing, GPU};
    const size_t most = limit();
    const size_t now = allocated() += size;
    if (now > most) {
      allocated() -= size;
      TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory. Tried to allocate ", size, " bytes of a pretended ", total);
    }
    for (size_t seen = peak; now > seen && !peak.compare_exchange_weak(seen, now);) {}
    auto* block = new Block{std::malloc(size), size};
    return {block->start, block, &release, GPU};
  }
  static void release_nothing(void*) {}
  void copy_data(void* to, const void* from, size_t count) const override { std::memcpy(to, from, count); }
};

Memory memory;
REGISTER_ALLOCATOR(c10::DeviceType::CUDA, &memory)

// What torch asks a device about itself.

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return c10::DeviceType::CUDA; }
  c10::Device exchangeDevice(c10::Device) const override { return GPU; }
  c10::Device getDevice() const override { return GPU; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const override { return c10::Stream(c10::Stream::DEFAULT, GPU); }
  c10::Stream getDefaultStream(c10::Device) const override { return c10::Stream(c10::Stream::DEFAULT, GPU); }
  c10::Stream exchangeStream(c10::Stream) const override { return c10::Stream(c10::Stream::DEFAULT, GPU); }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void**, const c10::Stream&, const c10::DeviceIndex, const c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void*, const c10::DeviceIndex) const noexcept override {}
};

C10_REGISTER_GUARD_IMPL(CUDA, Guard)

struct CUDAHooks final : at::CUDAHooksInterface {
  explicit CUDAHooks(at::CUDAHooksArgs) {}
  void init() const override {}
  bool hasCUDA() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex current_device() const override { return 0; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  int getNumGPUs() const override { return 1; }
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  void setCurrentDevice(c10::DeviceIndex) const override {}
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex) const override { return 0; }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex) const override { return 0; }
  void deviceSynchronize(c10::DeviceIndex) const override {}
  bool isPinnedPtr(const void*) const override { return false; }
  c10::Allocator* getPinnedMemoryAllocator() const override { return c10::GetCPUAllocator(); }
  c10::Device getDeviceFromPtr(void*) const override { return GPU; }
  const at::Generator& getDefaultGenerator(c10::DeviceIndex) const override { return at::detail::getDefaultCPUGenerator(); }
  at::Generator getNewGenerator(c10::DeviceIndex) const override { return at::detail::createCPUGenerator(); }
};

}  // namespace

namespace at {
using ::CUDAHooks;
REGISTER_CUDA_HOOKS(CUDAHooks)
}  // namespace at

namespace {

// Tensors.

at::Tensor empty_strided(c10::SymIntArrayRef size, c10::SymIntArrayRef stride, std::optional<at::ScalarType> dtype,
                         std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(C10_AS_INTARRAYREF_SLOW(size), C10_AS_INTARRAYREF_SLOW(stride), &memory,
                                           c10::DispatchKeySet(c10::DispatchKey::CUDA), c10::dtype_or_default(dtype));
}

at::Tensor empty(c10::SymIntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                 std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(C10_AS_INTARRAYREF_SLOW(size), &memory, c10::DispatchKeySet(c10::DispatchKey::CUDA),
                                   c10::dtype_or_default(dtype), format);
}

// The same memory as a tensor of the CPU.
at::Tensor on_cpu(const at::Tensor& tensor) {
  if (!tensor.defined() || !tensor.is_cuda()) return tensor;
  if (tensor.numel() == 0) return at::empty_strided(tensor.sizes(), tensor.strides(), tensor.options().device(at::kCPU));
  auto plain = at::from_blob(tensor.data_ptr(), tensor.sizes(), tensor.strides(), [tensor](void*) {},
                             tensor.options().device(at::kCPU).requires_grad(false));
  if (tensor.is_conj()) plain._set_conj(true);
  if (tensor.is_neg()) plain._set_neg(true);
  return plain;
}

// A new tensor of the GPU with the numbers of one of the CPU.
at::Tensor on_gpu(const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.is_cuda()) return tensor;
  at::Tensor moved = at::detail::empty_strided_generic(tensor.sizes(), tensor.strides(), &memory,
                                                 c10::DispatchKeySet(c10::DispatchKey::CUDA), tensor.scalar_type());
  if (tensor.numel() > 0) on_cpu(moved).copy_(tensor);
  return moved;
}

at::Tensor& copy_(at::Tensor& to, const at::Tensor& from, bool) {
  on_cpu(to).copy_(on_cpu(from));
  return to;
}

// A tensor's storage of another size, its first bytes kept: FSDP frees and takes back what it gathers into.
void resize_storage(const at::Tensor& tensor, int64_t bytes) {
  auto& storage = tensor.unsafeGetTensorImpl()->unsafe_storage();
  auto other = memory.allocate(bytes);
  if (bytes > 0 && storage.nbytes() > 0) std::memcpy(other.get(), storage.data(), std::min<size_t>(bytes, storage.nbytes()));
  storage.set_data_ptr(std::move(other));
  storage.set_nbytes(bytes);
}

const at::Tensor& resize_(const at::Tensor& tensor, c10::SymIntArrayRef size, std::optional<at::MemoryFormat>) {
  auto sizes = C10_AS_INTARRAYREF_SLOW(size);
  auto* self = tensor.unsafeGetTensorImpl();
  self->set_sizes_contiguous(sizes);
  const size_t wanted = self->storage_offset() * self->itemsize() + self->numel() * self->itemsize();
  if (self->unsafe_storage().nbytes() < wanted) resize_storage(tensor, wanted);
  return tensor;
}

// Products in a wider type than their factors', which only GPUs have.
at::Tensor mm_into(const at::Tensor& a, const at::Tensor& b, at::ScalarType dtype) {
  return on_gpu(at::mm(on_cpu(a).to(dtype), on_cpu(b).to(dtype)));
}
at::Tensor addmm_into(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b, at::ScalarType dtype, const at::Scalar& beta,
                      const at::Scalar& alpha) {
  return on_gpu(at::addmm(on_cpu(c).to(dtype), on_cpu(a).to(dtype), on_cpu(b).to(dtype), beta, alpha));
}
at::Tensor& mm_out(const at::Tensor& a, const at::Tensor& b, at::ScalarType dtype, at::Tensor& to) {
  return to.copy_(mm_into(a, b, dtype));
}
at::Tensor& addmm_out(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b, at::ScalarType dtype, const at::Scalar& beta,
                      const at::Scalar& alpha, at::Tensor& to) {
  return to.copy_(addmm_into(c, a, b, dtype, beta, alpha));
}

// Without the matrix of all scores, as a GPU computes it.
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const std::optional<at::Tensor>& mask,
                     double dropout, bool causal, std::optional<double> scale, bool grouped) {
  auto spread = [&](const at::Tensor& t) { return grouped ? t.repeat_interleave(q.size(1) / t.size(1), 1) : t; };
  std::optional<at::Tensor> added = mask;
  if (mask && mask->scalar_type() == at::kBool) added = at::zeros_like(*mask, q.options()).masked_fill(mask->logical_not(), -INFINITY);
  return std::get<0>(at::_scaled_dot_product_flash_attention_for_cpu(q, spread(k), spread(v), dropout, causal, added, scale));
}

// Everything else: on the CPU, in the same memory.

// Operators in which a GPU's kernels take indices or sizes from the CPU.
const std::set<std::string> MIXES = {"aten::index.Tensor", "aten::index_put_", "aten::_index_put_impl_", "aten::index_put",
                                     "aten::_unsafe_index.Tensor", "aten::_foreach_add_.Tensor"};

struct Call {
  const c10::OperatorHandle& op;
  std::vector<std::pair<at::Tensor, at::Tensor>> lent;  // a tensor of the GPU, and the CPU's of the same memory

  at::Tensor lend(const at::Tensor& tensor) {
    if (tensor.defined() && !tensor.is_cuda()) {
      TORCH_CHECK(tensor.dim() == 0 || MIXES.count(c10::toString(op.operator_name())),
                  "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and ", tensor.device(),
                  "! (in ", c10::toString(op.operator_name()), ")");
      return tensor;
    }
    auto plain = on_cpu(tensor);
    if (tensor.defined()) lent.emplace_back(tensor, plain);
    return plain;
  }

  // The tensor that was lent as this one, told its new size where the operator gave it one; else a new one.
  at::Tensor take(const at::Tensor& plain) {
    for (auto& [own, copy] : lent) {
      if (!copy.is_same(plain)) continue;
      if (own.sizes() != plain.sizes()) {
        own.resize_(plain.sizes());
        on_cpu(own).copy_(plain);
      }
      return own;
    }
    return on_gpu(plain);
  }
};

void on_the_cpu(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  Call call{op, {}};
  const auto& schema = op.schema();
  const auto count = schema.arguments().size();
  const auto first = stack->size() - count;
  for (size_t at = first; at < stack->size(); ++at) {
    auto& value = (*stack)[at];
    if (value.isTensor()) {
      value = call.lend(value.toTensor());
    } else if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor& one : value.toTensorVector()) list.push_back(call.lend(one));
      value = list;
    } else if (value.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> list;
      for (std::optional<at::Tensor> one : value.toOptionalTensorList()) list.push_back(one ? std::optional(call.lend(*one)) : one);
      value = list;
    } else if (value.isDevice()) {
      value = c10::Device(c10::DeviceType::CPU);
    }
  }
  op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
  const auto returns = schema.returns().size();
  for (size_t place = 0; place < returns; ++place) {
    auto& value = (*stack)[stack->size() - returns + place];
    const auto* alias = schema.returns()[place].alias_info();
    TORCH_CHECK(!alias || alias->isWrite(), c10::toString(op.operator_name()), " gives a view: the pretended GPU needs a kernel for it");
    if (value.isTensor()) {
      value = call.take(value.toTensor());
    } else if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor& one : value.toTensorVector()) list.push_back(call.take(one));
      value = list;
    }
  }
}

TORCH_LIBRARY_IMPL(_, CUDA, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&on_the_cpu>()); }

TORCH_LIBRARY_IMPL(aten, CUDA, m) {
  m.impl("empty.memory_format", empty);
  m.impl("empty_strided", empty_strided);
  m.impl("copy_", copy_);
  m.impl("resize_", resize_);
  m.impl("view", at::native::view);
  m.impl("as_strided", at::native::as_strided_tensorimpl);
  m.impl("_reshape_alias", at::native::_reshape_alias);
  m.impl("unfold", at::native::unfold);
  m.impl("mm.dtype", mm_into);
  m.impl("addmm.dtype", addmm_into);
  m.impl("mm.dtype_out", mm_out);
  m.impl("addmm.dtype_out", addmm_out);
}

TORCH_LIBRARY(pretended, m) { m.def("resize_storage(Tensor tensor, int bytes) -> ()"); }
TORCH_LIBRARY_IMPL(pretended, CUDA, m) { m.impl("resize_storage", resize_storage); }

TORCH_LIBRARY_IMPL(aten, AutogradCUDA, m) { m.impl("scaled_dot_product_attention", attention); }

}  // namespace

extern "C" {
size_t pretended_allocated() { return allocated(); }
size_t pretended_peak() { return peak; }
void pretended_forget_peak() { peak = allocated().load(); }
size_t pretended_free() { return free_now(); }
size_t pretended_total() { return total; }
bool pretended_broken() { return broken; }
}
