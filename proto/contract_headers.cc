// Nothing of its own: what is compiled with it are the headers that server and client share.
