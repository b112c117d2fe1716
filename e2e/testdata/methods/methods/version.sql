select version() v
