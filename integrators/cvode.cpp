#include "integrators/cvode.hpp"

#include <cvodes/cvodes.h>

#include <new>

#include "base/error.hpp"
#include "integrators/cvodes_session.hpp"

namespace striate {
namespace {

class Cvode : public Stepper {
 public:
  Cvode(Evaluation& evaluation, const Method& method, double t0, double t1)
      : name_(method.name), session_(evaluation, method, t0, t1), out_(N_VCloneEmpty(session_.y())) {
    if (!out_) throw std::bad_alloc();
  }

  void restart(double t, std::span<const double> y, double end, double, std::uint64_t) override {
    session_.restart(t, y, end);
    t_ = t;
    end_ = end;
  }

  double step() override {
    session_.bound_step(t_);
    const int code = CVode(session_.memory(), end_, session_.y(), &t_, CV_ONE_STEP);
    session_.check(code);
    return code == CV_TSTOP_RETURN ? end_ : t_;
  }

  std::span<const double> y() const override { return values(session_.y()); }

  void dense(double t, std::span<double> out) override {
    N_VSetArrayPointer(out.data(), out_.get());
    if (CVodeGetDky(session_.memory(), t, 0, out_.get()) != 0) {
      throw Error(name_, "dense output was asked for outside the last step.");
    }
  }

  void count() override { session_.count(); }

 private:
  std::string name_;
  double t_ = 0, end_ = 0;
  CvodesSession session_;
  Vector out_;
};

}  // namespace

std::unique_ptr<Stepper> make_cvode(Evaluation& evaluation, const Method& method, double t0, double t1) {
  return std::make_unique<Cvode>(evaluation, method, t0, t1);
}

}  // namespace striate
