// A device that is not there: tensors on it lie in the CPU's memory, and every operation is the
// CPU's, but torch refuses to mix them with others, as it does with those of a GPU.
#include <ATen/EmptyTensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/core/impl/alloc_cpu.h>
#include <torch/extension.h>

namespace {

using at::Tensor;
using c10::Device;
using c10::DeviceIndex;
using c10::SymIntArrayRef;

constexpr auto KIND = c10::DeviceType::PrivateUse1;

struct Guard final : c10::impl::DeviceGuardImplInterface {
  static constexpr c10::DeviceType static_type = KIND;
  c10::DeviceType type() const override { return KIND; }
  Device exchangeDevice(Device) const override { return Device(KIND, 0); }
  Device getDevice() const override { return Device(KIND, 0); }
  void setDevice(Device) const override {}
  void uncheckedSetDevice(Device) const noexcept override {}
  c10::Stream getStream(Device) const noexcept override {
    return c10::Stream(c10::Stream::DEFAULT, Device(KIND, 0));
  }
  c10::Stream exchangeStream(c10::Stream one) const noexcept override { return one; }
  DeviceIndex deviceCount() const noexcept override { return 1; }
};
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard);

struct Memory final : at::Allocator {
  at::DataPtr allocate(size_t size) override {
    void* found = c10::alloc_cpu(size);
    return {found, found, &c10::free_cpu, Device(KIND, 0)};
  }
  at::DeleterFnPtr raw_deleter() const override { return &c10::free_cpu; }
  void copy_data(void* to, const void* from, std::size_t size) const override {
    memcpy(to, from, size);
  }
};
Memory memory;
REGISTER_ALLOCATOR(KIND, &memory);

struct Hooks final : at::PrivateUse1HooksInterface {
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
};

using Type = std::optional<at::ScalarType>;

Tensor empty(at::IntArrayRef size, Type type, std::optional<at::Layout>, std::optional<Device>,
             std::optional<bool>, std::optional<at::MemoryFormat> format) {
  const c10::DispatchKeySet keys(c10::DispatchKey::PrivateUse1);
  return at::detail::empty_generic(size, &memory, keys, c10::dtype_or_default(type), format);
}

Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride, Type type,
                     std::optional<at::Layout>, std::optional<Device>, std::optional<bool>) {
  const c10::DispatchKeySet keys(c10::DispatchKey::PrivateUse1);
  return at::detail::empty_strided_generic(size, stride, &memory, keys,
                                           c10::dtype_or_default(type));
}

Tensor on_cpu(const Tensor& value) {
  if (value.device().type() != KIND) return value;
  const int64_t whole = value.storage().nbytes() / value.element_size();
  auto row = at::from_blob(const_cast<void*>(value.storage().data()), {whole},
                           at::TensorOptions().dtype(value.dtype()));
  return row.as_strided(value.sizes(), value.strides(), value.storage_offset());
}

Tensor copy_from(const Tensor& value, const Tensor& to, bool) {
  if (value.numel()) on_cpu(to).copy_(on_cpu(value));
  return to;
}

Tensor copy_and_resize(const Tensor& value, const Tensor& to) {
  to.resize_(value.sizes());
  return copy_from(value, to, false);
}

at::Scalar number(const Tensor& value) { return on_cpu(value).item(); }

Tensor view(const Tensor& value, SymIntArrayRef size) {
  return at::native::view(value, C10_AS_INTARRAYREF_SLOW(size));
}

Tensor as_strided(const Tensor& value, SymIntArrayRef size, SymIntArrayRef stride,
                  std::optional<c10::SymInt> offset) {
  std::optional<int64_t> start;
  if (offset) start = offset->expect_int();
  return at::native::as_strided_tensorimpl(value, C10_AS_INTARRAYREF_SLOW(size),
                                           C10_AS_INTARRAYREF_SLOW(stride), start);
}

const Tensor& resize(const Tensor& value, SymIntArrayRef size,
                     std::optional<at::MemoryFormat> format) {
  return at::native::resize_(value, C10_AS_INTARRAYREF_SLOW(size), format);
}

Tensor reshape(const Tensor& value, SymIntArrayRef size, SymIntArrayRef stride) {
  return at::native::_reshape_alias(value, C10_AS_INTARRAYREF_SLOW(size),
                                    C10_AS_INTARRAYREF_SLOW(stride));
}

Tensor& set_storage(Tensor& value, at::Storage storage, c10::SymInt offset, SymIntArrayRef size,
                    SymIntArrayRef stride) {
  auto* own = value.unsafeGetTensorImpl();
  own->set_storage_keep_dtype(std::move(storage));
  own->set_storage_offset(offset.expect_int());
  own->set_sizes_and_strides(C10_AS_INTARRAYREF_SLOW(size), C10_AS_INTARRAYREF_SLOW(stride));
  return value;
}

Tensor& set_whole_storage(Tensor& value, at::Storage storage) {
  const int64_t whole = storage.nbytes() / value.element_size();
  auto* own = value.unsafeGetTensorImpl();
  own->set_storage_keep_dtype(std::move(storage));
  own->set_storage_offset(0);
  own->set_sizes_contiguous({whole});
  return value;
}

void by_the_cpu(const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
  at::native::cpu_fallback(operation, stack, /*error_on_views=*/true);
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", &empty);
  library.impl("empty_strided", &empty_strided);
  library.impl("_copy_from", &copy_from);
  library.impl("_copy_from_and_resize", &copy_and_resize);
  library.impl("_local_scalar_dense", &number);
  library.impl("view", &view);
  library.impl("as_strided", &as_strided);
  library.impl("resize_", &resize);
  library.impl("_reshape_alias", &reshape);
  library.impl("set_.source_Storage_storage_offset", &set_storage);
  library.impl("set_.source_Storage", &set_whole_storage);
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&by_the_cpu>());
}

}  // namespace

PYBIND11_MODULE(TORCH_EXTENSION_NAME, module) {
  at::RegisterPrivateUse1HooksInterface(new Hooks());
}
