#include "server/http/json_text.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <cmath>

#include "proctor/v1/event.pb.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::server::http {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::Struct;

// What Protobuf's own converter makes of a message, and what JsonOf does, are the same JSON but
// for the order of their names.
void ExpectProtobufsJson(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string expected_text;
  ASSERT_TRUE(MessageToJsonString(message, &expected_text, options).ok());
  Struct expected, actual;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(expected_text, &expected).ok());
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(JsonOf(message), &actual).ok())
      << JsonOf(message);
  std::string differences;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&differences);
  EXPECT_TRUE(differencer.Compare(expected, actual)) << differences << JsonOf(message);
}

// Sets every field of a message and of those in it, of a oneof the first one.
void Fill(Message* message, int depth = 0) {
  const Reflection* const reflection = message->GetReflection();
  const Descriptor* const descriptor = message->GetDescriptor();
  if (descriptor->well_known_type() != Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
    reflection->SetInt64(message, descriptor->FindFieldByName("seconds"), 1700000000);
    reflection->SetInt32(message, descriptor->FindFieldByName("nanos"), 120000000);
    return;
  }
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* const field = descriptor->field(i);
    const auto* const oneof = field->real_containing_oneof();
    if (oneof != nullptr && reflection->HasOneof(*message, oneof)) continue;
    const bool repeated = field->is_repeated();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        repeated ? reflection->AddInt32(message, field, -7)
                 : reflection->SetInt32(message, field, -7);
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        reflection->SetUInt32(message, field, 7);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection->SetInt64(message, field, INT64_MIN);
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        reflection->SetUInt64(message, field, UINT64_MAX);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        reflection->SetDouble(message, field, 0.1);
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        reflection->SetFloat(message, field, 0.5f);
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection->SetBool(message, field, true);
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        repeated ? reflection->AddEnumValue(message, field, 1)
                 : reflection->SetEnumValue(message, field, 1);
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        for (const char* text : {"a \"text\"\n\t\\<b>\x01\x7f", "\xe2\x82\xac \xf0\x9f\x98\x80"}) {
          repeated ? reflection->AddString(message, field, text)
                   : reflection->SetString(message, field, text);
        }
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (depth > 8) break;
        Fill(repeated ? reflection->AddMessage(message, field)
                      : reflection->MutableMessage(message, field),
             depth + 1);
        break;
    }
  }
}

template <typename... Messages>
void ExpectProtobufsJsonOfFullAndEmpty() {
  const auto expect = [](Message&& message) {
    SCOPED_TRACE(message.GetTypeName());
    ExpectProtobufsJson(message);
    Fill(&message);
    ExpectProtobufsJson(message);
  };
  (expect(Messages()), ...);
}

TEST(Json, IsProtobufsOwnForEveryField) {
  ExpectProtobufsJsonOfFullAndEmpty<v1::Process, v1::Event, v1::Session, v1::ProcessSpec,
                                    v1::ExitStatus, v1::OutputDrained, v1::Output,
                                    v1::ListProcessesResponse, v1::CgroupLimits>();
}

TEST(Json, OfNumbersReadsBackAsTheSame) {
  for (const double value : {0.0, 1.5, 0.1, 1.0 / 3, 1e300, -2.5e-12, 100000.0}) {
    v1::CgroupLimits limits;
    limits.set_cpus(value);
    ExpectProtobufsJson(limits);
    v1::CgroupLimits back;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(JsonOf(limits), &back).ok());
    EXPECT_EQ(back.cpus(), value);
  }
  v1::CgroupLimits odd;
  for (const double value : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    odd.set_cpus(value);
    ExpectProtobufsJson(odd);
  }
}

TEST(Json, ShowsWhatATerminalWouldObey) {
  v1::Process process;
  process.mutable_spec()->add_argv("é\u202E\xf3\xa0\x80\x81\x7f<");
  EXPECT_THAT(JsonOf(process), ::testing::HasSubstr("\"é\\u202e\\udb40\\udc01\\u007f\\u003c\""));
  ExpectProtobufsJson(process);
  EXPECT_EQ(JsonString("a\xff"), "\"a\\ufffd\"");
}

TEST(Json, OfAValueThatThisVersionDoesNotKnowIsItsNumber) {
  v1::Process process;
  process.set_state(static_cast<v1::ProcessState>(99));
  EXPECT_THAT(JsonOf(process), ::testing::HasSubstr("\"state\":99"));
}

}  // namespace
}  // namespace proctor::server::http
