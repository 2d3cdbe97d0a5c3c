/** Imports a package that is installed in this folder, as a program of this folder would. */
export const importPeer = (name) => import(name);
