// Prints what GitHub's parser has against a workflow, as a JSON list. It is run from beside its node_modules.
import { readFileSync } from "node:fs";
import { register } from "node:module";

// The package imports JSON without saying so, which newer versions of Node.js refuse.
register("data:text/javascript," + encodeURIComponent(`
  import { readFile } from "node:fs/promises";
  export async function load(url, context, next) {
    if (!url.endsWith(".json")) return next(url, context);
    return { format: "module", shortCircuit: true, source: "export default " + await readFile(new URL(url), "utf8") };
  }`));
const { parseWorkflow, convertWorkflowTemplate, NoOperationTraceWriter } = await import("@actions/workflow-parser");

const name = process.argv[2];
const { context, value } = parseWorkflow({ name, content: readFileSync(name, "utf8") }, new NoOperationTraceWriter());
const problems = context.errors.getErrors().map((error) => error.message);
if (problems.length === 0) {
  const template = await convertWorkflowTemplate(context, value);
  problems.push(...(template.errors ?? []).map((error) => error.Message));
}
console.log(JSON.stringify(problems));
