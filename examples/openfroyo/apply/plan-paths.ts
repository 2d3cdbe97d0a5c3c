/** Whether a name of a plan stays in the folder that it is applied to. */
export function isInside(name: string): boolean {
  return (
    name !== "" &&
    !name.startsWith("/") &&
    !name.includes("\0") &&
    !name.split("/").some((part) => part === "" || part === "..")
  );
}
