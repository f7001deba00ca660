from karuna.main import main

main()
