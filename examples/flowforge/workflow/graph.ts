import type { Row } from "../ports.js";

/** Rows that a node gives, and what it has to say about them. */
export interface NodeOutput {
  readonly rows: readonly Row[];
  readonly warnings?: readonly string[];
}

/** Rows of a node that are stored. */
export interface NodeResult {
  readonly rows: readonly Row[];
  readonly artifactId: string;
}

/** A step of a workflow. It is a function of its inputs. */
export interface WorkflowNode {
  readonly name: string;
  readonly kind: "source" | "transform" | "join" | "rule" | "sink";
  /** The names of the nodes whose rows it gets, in this order. They come before it in the list of nodes. */
  readonly inputs: readonly string[];
  /** What it does, for the table `nodes`. */
  readonly spec: Readonly<Record<string, unknown>>;
  run(...inputs: (readonly Row[])[]): Promise<NodeOutput> | NodeOutput;
}

export interface Workflow {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly version: number;
  readonly nodes: readonly WorkflowNode[];
}

export const versionIdOf = ({ id, version }: Workflow): string => `${id}@${version}`;

export const nodeIdOf = (workflow: Workflow, node: string): string => `${versionIdOf(workflow)}/${node}`;
