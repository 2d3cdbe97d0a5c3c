declare module "parse-prometheus-text-format" {
  const parse: (text: string) => readonly {
    readonly name: string;
    readonly help: string;
    readonly type: string;
    readonly metrics: readonly Readonly<Record<string, unknown>>[];
  }[];
  export = parse;
}
