#pragma once

#include <stddef.h>
#include <stdint.h>

namespace proctor {

// An endless sequence of bytes that looks random and is the same for the same seed
// (SplitMix64), with the sizes of the blocks in which to write it.
class Noise {
 public:
  explicit Noise(uint64_t seed) : state_(seed), sizes_(seed ^ 0x5bd1e9955bd1e995) {}

  void Fill(char* to, size_t size) {
    for (size_t i = 0; i < size; ++i) {
      if (left_ == 0) word_ = Next(state_), left_ = sizeof word_;
      to[i] = static_cast<char>(word_);
      word_ >>= 8;
      --left_;
    }
  }

  // 1 to `most`, mostly odd in every sense.
  size_t BlockSize(size_t most) { return 1 + Next(sizes_) % most; }

 private:
  static uint64_t Next(uint64_t& state) {
    uint64_t word = state += 0x9e3779b97f4a7c15;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    return word ^ (word >> 31);
  }

  uint64_t state_;
  uint64_t sizes_;
  uint64_t word_ = 0;
  size_t left_ = 0;
};

// How many bytes there were, and which: FNV-1a of 64 bits.
class Digest {
 public:
  void Add(const char* bytes, size_t size) {
    count_ += size;
    for (size_t i = 0; i < size; ++i) {
      hash_ = (hash_ ^ static_cast<unsigned char>(bytes[i])) * 0x100000001b3;
    }
  }

  uint64_t count() const { return count_; }
  uint64_t hash() const { return hash_; }

 private:
  uint64_t count_ = 0;
  uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace proctor
