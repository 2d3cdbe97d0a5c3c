import type { Reporter, TestModule } from "vitest/node";

/** How much of a message is printed: one that compares objects is long. */
const MAX_MESSAGE_CHARACTERS = 120;

/** Names the failed tests again, last of all, where a log that is cut still has them. */
export const failedTests: Reporter = {
  onTestRunEnd(modules) {
    for (const line of modules.flatMap(failuresOf)) process.stderr.write(`${line}\n`);
  },
};

function failuresOf(module: TestModule): string[] {
  const messages = module.errors().map(({ message }) => failure(module, "", message));
  for (const test of module.children.allTests("failed")) {
    messages.push(failure(module, test.fullName, test.result().errors?.[0]?.message ?? ""));
  }
  return messages;
}

function failure({ moduleId }: TestModule, name: string, message: string): string {
  const [firstLine = ""] = message.slice(0, MAX_MESSAGE_CHARACTERS).split("\n");
  return `FAIL ${moduleId.slice(moduleId.indexOf("/test/") + 1)} > ${name}: ${firstLine}`;
}
