// libuv_cell: one cell of the benchmark with libuv, or with `list` the row there is:
// `libuv/VERSION` and a tab.
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/benchmark/cell.h"

namespace proctor {
namespace {

absl::Status UvError(std::string_view operation, int error) {
  return absl::InternalError(absl::StrCat(std::string(operation), ": ", uv_strerror(error)));
}

class LibuvLoop : public WatchedLoop {
 public:
  LibuvLoop() { uv_loop_init(&loop_); }

  absl::StatusOr<pid_t> Spawn(const std::string& program, int stdout_fd,
                              std::function<void()> on_exit) override {
    auto* child = new Child{.handle = {}, .on_exit = std::move(on_exit)};
    child->handle.data = child;
    char* argv[] = {const_cast<char*>(program.c_str()), nullptr};
    char* environment[] = {nullptr};
    uv_stdio_container_t stdio[3] = {};
    for (int i = 0; i < 3; ++i) {
      stdio[i].flags = UV_INHERIT_FD;
      stdio[i].data.fd = i == STDOUT_FILENO ? stdout_fd : i;
    }
    uv_process_options_t options{};
    options.exit_cb = &OnExit;
    options.file = program.c_str();
    options.args = argv;
    options.env = environment;
    options.stdio_count = 3;
    options.stdio = stdio;
    const int error = uv_spawn(&loop_, &child->handle, &options);
    if (error == 0) return child->handle.pid;
    CloseAndDelete(child);
    return UvError("uv_spawn", error);
  }

  void After(absl::Duration delay, std::function<void()> call) override {
    auto* timer = new Timer{.handle = {}, .call = std::move(call)};
    timer->handle.data = timer;
    uv_timer_init(&loop_, &timer->handle);
    uv_update_time(&loop_);  // it is that of the turn's begin, and a turn may spawn thousands
    uv_timer_start(&timer->handle, &OnTimer,
                   static_cast<uint64_t>(absl::ToInt64Milliseconds(delay)), 0);
  }

  absl::Status Run(std::function<void()> start) override {
    After(absl::ZeroDuration(), std::move(start));
    uv_run(&loop_, UV_RUN_DEFAULT);
    return absl::OkStatus();
  }

  void Stop() override { uv_stop(&loop_); }

 private:
  struct Child {
    uv_process_t handle;
    std::function<void()> on_exit;
  };
  struct Timer {
    uv_timer_t handle;
    std::function<void()> call;
  };

  template <typename Owner>
  static void CloseAndDelete(Owner* owner) {
    uv_close(reinterpret_cast<uv_handle_t*>(&owner->handle),
             [](uv_handle_t* handle) { delete static_cast<Owner*>(handle->data); });
  }

  static void OnExit(uv_process_t* handle, int64_t, int) {
    auto* child = static_cast<Child*>(handle->data);
    child->on_exit();
    CloseAndDelete(child);
  }

  static void OnTimer(uv_timer_t* handle) {
    auto* timer = static_cast<Timer*>(handle->data);
    timer->call();
    CloseAndDelete(timer);
  }

  uv_loop_t loop_;
};

}  // namespace
}  // namespace proctor

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "list") {
    ::printf("libuv/%s\t\n", uv_version_string());
    return 0;
  }
  proctor::RunCellAndExit(argc, argv, [](const std::string&) { return new proctor::LibuvLoop(); });
}
